from importlib.resources import files

import pytest

from hardsight.core.presets import ConfigError, preset_file, preset_names


def test_the_presets_are_the_files_of_the_package():
    held = {entry.name for entry in (files("hardsight.config") / "presets").iterdir()}
    assert {f"{name}.yaml" for name in preset_names()} == {n for n in held if n.endswith(".yaml")}
    assert preset_file("advrad").read_text(encoding="utf-8").startswith("description")


def test_a_file_of_ones_own_is_named_by_its_path(tmp_path):
    mine = tmp_path / "mine.yaml"
    with pytest.raises(ConfigError, match="does not exist"):
        preset_file(str(mine))
    mine.touch()
    assert preset_file(str(mine)) == mine
    with pytest.raises(ConfigError, match="did you mean"):
        preset_file(str(tmp_path / "mime.yml"))


def test_a_mistyped_preset_is_answered_by_those_that_there_are():
    with pytest.raises(ConfigError, match=r"preset='advrat' is not known.*did you mean 'advrad'"):
        preset_file("advrat")
