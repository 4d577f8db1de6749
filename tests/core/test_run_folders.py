import pytest

from hardsight.core.run_folders import RunError, check_run, is_run

GONE = "it does not exist"


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs/bottle"
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    return folder


def test_a_run_has_a_configuration_and_a_bundle_its_suffix(run):
    (run / "part.hsb").touch()
    (run / "part.png").touch()
    assert is_run(run)
    assert is_run(run / "part.hsb")
    assert not is_run(run / "part.png")
    assert not is_run(run.parent)
    assert not is_run(run / "nowhere.hsb")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("runs/botle", f"{GONE}; did you mean 'TOP/runs/bottle'?"),
        ("xyz", f"{GONE}; make one with: hardsight fit --run TOP/xyz"),
        ("runs", "it has no config.yaml; choose one of the runs in it: TOP/runs/bottle"),
        ("", "it has no config.yaml; make one with: hardsight fit"),
        (
            "runs/bottle/exported",
            f"{GONE}; make it with: hardsight export TOP/runs/bottle",
        ),
    ],
)
def test_what_is_no_run_is_told_what_it_lacks(run, tmp_path, typed, said):
    with pytest.raises(RunError) as refused:
        check_run(tmp_path / typed)
    assert str(refused.value).endswith(f"is not a run folder: {said.replace('TOP', str(tmp_path))}")


def test_a_run_and_any_file_are_let_pass_for_a_bundle_is_checked_where_it_is_opened(run):
    check_run(run)
    check_run(run / "config.yaml")
