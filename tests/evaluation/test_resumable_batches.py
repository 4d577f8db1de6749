import pytest
import torch

from hardsight.evaluation.batches import Resumable, kept_images


def numbered(n, made, **how):
    """``n`` batches that note in ``made`` when they are worked at."""

    def make(i):
        made.append(i)
        return {"value": torch.full((2, 3), float(i)).T}

    return Resumable(**how).each(make, ((f"{i:02d}", i) for i in range(n)))


class Backwards:
    """An engine whose results come in the opposite order."""

    workers = 1

    def run(self, work, keys, heard=None):
        yield from [(place, work(key, None)) for place, key in enumerate(keys)][::-1]


def test_results_in_any_order_come_in_that_of_the_batches(tmp_path):
    made = []
    list(numbered(2, made, folder=tmp_path))
    found = list(numbered(5, made, folder=tmp_path, engine=Backwards()))
    assert [p["value"][0, 0].item() for p in found] == [0, 1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4]


def test_batches_come_in_order_and_are_made_once(tmp_path):
    made = []
    first = list(numbered(3, made, folder=tmp_path / "state"))
    again = list(numbered(4, made, folder=tmp_path / "state"))
    assert made == [0, 1, 2, 3]
    assert [p["value"][0, 0].item() for p in again] == [0, 1, 2, 3]
    assert all(torch.equal(a["value"], b["value"]) for a, b in zip(first, again, strict=False))


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = []
    list(numbered(2, made))
    list(numbered(2, made))
    assert made == [0, 1, 0, 1]
    assert not list(tmp_path.iterdir())


def test_a_batch_that_fails_leaves_those_before_it(tmp_path):
    def make(name):
        return {"a": {"value": torch.zeros(1)}}[name]

    with pytest.raises(KeyError):
        list(Resumable(tmp_path).each(make, [("a", "a"), ("b", "b")]))
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_when_time_is_up_kept_batches_still_come_and_no_other_is_begun(tmp_path):
    made = []
    list(numbered(2, made, folder=tmp_path))
    found = list(numbered(5, made, folder=tmp_path, deadline=0.0))
    assert len(found) == 2
    assert made == [0, 1]


def test_what_a_batch_tells_while_it_is_made_is_heard_and_what_is_kept_known(tmp_path):
    def make(i, tell):
        tell(i, 0.5)
        return {"value": torch.zeros(1)}

    heard, batches = [], Resumable(tmp_path)
    named = [("a", 1), ("b", 2)]
    found = batches.each(make, named, lambda *event: heard.append(event))
    next(found)
    assert heard == [(1, 0.5)]
    assert [batches.keeps(name) for name, _ in named] == [True, False]
    assert not Resumable().keeps("a")


def test_the_images_to_keep_are_those_of_the_batch():
    batch = torch.arange(4.0).view(4, 1, 1, 1)
    found = kept_images(batch, 8, frozenset({1, 9, 11, 12}))
    assert found["indices"].tolist() == [9, 11]
    assert found["images"].flatten().tolist() == [1, 3]
    assert kept_images(batch, 0, frozenset())["images"].shape == (0, 1, 1, 1)


@pytest.mark.parametrize("left", [0, 20, -4])
def test_a_damaged_batch_is_made_again(tmp_path, left):
    made = []
    (whole,) = numbered(1, made, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:left])
    assert not Resumable(tmp_path).keeps("00")
    (again,) = numbered(1, made, folder=tmp_path)
    assert torch.equal(whole["value"], again["value"])
    assert made == [0, 0]
    list(numbered(1, made, folder=tmp_path))
    assert made == [0, 0]
