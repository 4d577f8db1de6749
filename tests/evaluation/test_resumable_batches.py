import pytest
import torch

from hardsight.evaluation.batches import kept_images, resumed


def numbered(n, made):
    """``n`` batches that note in ``made`` when they are worked at."""

    def make(i):
        made.append(i)
        return {"value": torch.full((2, 3), float(i)).T}

    return ((f"{i:02d}", lambda i=i: make(i)) for i in range(n))


def test_batches_come_in_order_and_are_made_once(tmp_path):
    made = []
    first = list(resumed(numbered(3, made), tmp_path / "state"))
    again = list(resumed(numbered(4, made), tmp_path / "state"))
    assert made == [0, 1, 2, 3]
    assert [p["value"][0, 0].item() for p in again] == [0, 1, 2, 3]
    assert all(torch.equal(a["value"], b["value"]) for a, b in zip(first, again, strict=False))


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = []
    list(resumed(numbered(2, made)))
    list(resumed(numbered(2, made)))
    assert made == [0, 1, 0, 1]
    assert not list(tmp_path.iterdir())


def test_a_batch_that_fails_leaves_those_before_it(tmp_path):
    def work():
        yield "a", lambda: {"value": torch.zeros(1)}
        yield "b", lambda: {}["missing"]

    with pytest.raises(KeyError):
        list(resumed(work(), tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_when_time_is_up_kept_batches_still_come_and_no_other_is_begun(tmp_path):
    made = []
    list(resumed(numbered(2, made), tmp_path))
    found = list(resumed(numbered(5, made), tmp_path, deadline=0.0))
    assert len(found) == 2
    assert made == [0, 1]


def test_the_images_to_keep_are_those_of_the_batch():
    batch = torch.arange(4.0).view(4, 1, 1, 1)
    found = kept_images(batch, 8, frozenset({1, 9, 11, 12}))
    assert found["indices"].tolist() == [9, 11]
    assert found["images"].flatten().tolist() == [1, 3]
    assert kept_images(batch, 0, frozenset())["images"].shape == (0, 1, 1, 1)
