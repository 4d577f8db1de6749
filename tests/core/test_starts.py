import pytest

from hardsight.core.starts import BUNDLED, PURIFIER, START, check_start, start_folder


def test_a_bundled_start_is_a_folder_and_its_name_stands_for_it(tmp_path):
    assert (BUNDLED["photographs"] / "config.json").is_file()
    assert start_folder("photographs") == BUNDLED["photographs"]
    assert start_folder(str(tmp_path)) == tmp_path


def test_what_is_there_and_what_has_a_name_are_let_pass(tmp_path):
    check_start(tmp_path, "start", START)
    check_start("none", "start", START)
    check_start("photographs", "--purify", PURIFIER)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("photograph", "did you mean 'photographs'?"),
        ("none", "choose from photographs$"),
        ("TOP/botle", "did you mean 'TOP/bottle'?"),
    ],
)
def test_a_mistyped_purifier_is_answered_by_what_may_be_named(tmp_path, named, said):
    (tmp_path / "bottle").mkdir()
    with pytest.raises(ValueError, match=said.replace("TOP", str(tmp_path)).replace("?", r"\?")):
        check_start(named.replace("TOP", str(tmp_path)), "--purify", PURIFIER)
