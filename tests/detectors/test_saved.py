"""What a saved detector lacks, or has damaged, is named."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_detector import tiny_advrad

from hardsight import AdvRAD
from hardsight.detectors.saved import CONFIG_FILE, WEIGHTS_FILE


@pytest.fixture
def folder(tmp_path):
    tiny_advrad().save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", [CONFIG_FILE, WEIGHTS_FILE])
def test_what_is_missing_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(FileNotFoundError, match=f"{folder} holds no {file}; fit and save"):
        AdvRAD.from_pretrained(folder)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]"])
def test_settings_that_are_damaged_are_named(folder, content):
    (folder / CONFIG_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=f"{folder / CONFIG_FILE} is damaged .*; restore it"):
        AdvRAD.from_pretrained(folder)


def test_settings_may_be_other_than_saved(folder):
    saved = json.loads((folder / CONFIG_FILE).read_text())
    found = AdvRAD.from_pretrained(folder, k=7)
    assert not found.training
    assert found.settings == saved | {"k": 7}
    assert torch.equal(found.map_mean, AdvRAD.from_pretrained(folder).map_mean)


def test_weights_that_are_no_numbers_are_refused(folder):
    """Each of their scores would be NaN, image by image, and the file never be named."""
    saved = load_file(folder / WEIGHTS_FILE)
    saved["map_mean"].flatten()[0] = torch.nan
    save_file(saved, folder / WEIGHTS_FILE)
    with pytest.raises(ValueError, match=f"{folder / WEIGHTS_FILE} holds NaN in map_mean: it is"):
        AdvRAD.from_pretrained(folder)


def test_a_setting_that_there_is_not_is_named_not_the_folder(folder):
    with pytest.raises(ValueError, match=r"^draw=3 is no setting of AdvRAD; .* draws, "):
        AdvRAD.from_pretrained(folder, draw=3)


def test_a_path_without_a_folder_holds_nothing(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}/typo holds no {WEIGHTS_FILE}; fit"):
        AdvRAD.from_pretrained(tmp_path / "typo")
