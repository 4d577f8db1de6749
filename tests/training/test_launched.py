import pytest
from tiny_task import tiny_settings

from hardsight.training.launched import Launched, launched, own_folder, processes


@pytest.fixture
def second_of_four(monkeypatch):
    place = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x"}
    for name, value in place.items():
        monkeypatch.setenv(name, value)


def test_a_process_knows_its_place_among_torchruns(second_of_four):
    assert launched() == Launched(rank=1, world=4, here=2)
    found = processes(tiny_settings(batch_size=8))
    assert (found["accelerator"], found["devices"], found["num_nodes"]) == ("cpu", 2, 2)


def test_shares_of_a_batch_are_equal(second_of_four):
    with pytest.raises(ValueError, match=r"multiple of the 4 processes.*got 6.*training\.batch"):
        processes(tiny_settings(batch_size=6))


def test_a_process_of_its_own_works_in_the_folder_itself(tmp_path, monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert launched() is None
    with own_folder(tmp_path, tiny_settings()) as folder:
        assert folder == tmp_path
