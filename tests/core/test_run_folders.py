import zipfile

import pytest

from hardsight.core.run_folders import BundleError, RunError, check_bundle, check_run, is_run

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
        ("run/bottle", f"{GONE}; did you mean 'TOP/runs/bottle'?"),
        ("run", f"{GONE}; did you mean 'TOP/runs'?"),
        ("photo", f"{GONE}; make one with: hardsight fit --run TOP/photo"),
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
    (tmp_path / "photos").mkdir()  # no run, whatever its name is near to
    with pytest.raises(RunError) as refused:
        check_run(tmp_path / typed)
    assert str(refused.value).endswith(f"is not a run folder: {said.replace('TOP', str(tmp_path))}")


def test_a_run_and_any_zip_file_are_let_pass_for_a_bundle_is_checked_where_it_is_opened(run):
    check_run(run)
    with zipfile.ZipFile(run / "part.hsb", "w") as archive:
        archive.writestr("x", "x")
    check_run(run / "part.hsb")
    check_bundle(run / "part.hsb")
    with pytest.raises(FileNotFoundError, match=f"did you mean '{run}/part.hsb'"):
        check_bundle(run / "prt.hsb")


def test_another_file_is_no_run_and_no_bundle(run):
    with pytest.raises(BundleError, match="is no bundle, or is truncated"):
        check_run(run / "config.yaml")
