from dataclasses import replace

import pytest

from hardsight.benchmark import Entry, Workers, carry_out, verify
from hardsight.benchmark.plan import ThreatAsked


@pytest.fixture
def made(measured):
    """An entry, and the run it was made of."""
    (path,) = measured[0].results.rglob("Linf*.entry.json")
    return Entry.read(path), path.parent / "run"


def test_an_entry_comes_out_again(made):
    entry, run = made
    clean, attacked = verify(entry, run, batches=2, seed=0)
    assert (clean.attack, attacked.attack) == ("clean", "pgd")
    assert clean.images == attacked.images == 4  # two batches of two
    assert clean.difference == pytest.approx(0, abs=1e-6)
    assert attacked.difference == pytest.approx(0, abs=1e-6)
    assert clean.agrees
    assert attacked.agrees


def test_one_change_for_all_images_comes_out_again(plan, measured, tmp_path):
    places = replace(measured[0], results=tmp_path)
    threat = ThreatAsked(norm="universal", eps="8/255", suites=("pgd",))
    carry_out(plan.model_copy(update={"threats": (threat,)}), places, Workers(), told)
    (path,) = tmp_path.rglob("universal*.entry.json")
    clean, attacked = verify(Entry.read(path), path.parent / "run", batches=1, seed=0)
    assert clean.agrees
    assert attacked.difference == pytest.approx(0, abs=1e-6)


def told(*event):
    """Hear nothing."""


def test_scores_that_were_made_up_do_not(made):
    entry, run = made
    low, high = min(entry.scores["clean"]), max(entry.scores["clean"])
    better = tuple(2 * high - low for _ in entry.scores["pgd"])
    entry = entry.model_copy(update={"scores": {**entry.scores, "pgd": better}})
    clean, attacked = verify(entry, run, batches=3)
    assert clean.agrees
    assert not attacked.agrees


def test_another_checkpoint_and_other_data_are_refused(made):
    entry, run = made
    other = entry.model_copy(update={"checkpoints": {"model.safetensors": "00"}})
    with pytest.raises(ValueError, match="another checkpoint"):
        verify(other, run)
    data = entry.data.model_copy(update={"split_sha256": "00"})
    with pytest.raises(ValueError, match="other data"):
        verify(entry.model_copy(update={"data": data}), run)
    for scores in ({}, {"pgd": entry.scores["pgd"]}):
        with pytest.raises(ValueError, match="no scores"):
            verify(entry.model_copy(update={"scores": scores}), run)


def test_scores_of_fewer_images_than_were_attacked_are_refused(made):
    entry, run = made
    fewer = {name: values[:-1] for name, values in entry.scores.items()}
    with pytest.raises(ValueError, match="has 5 scores of clean, and 6 images are attacked"):
        verify(entry.model_copy(update={"scores": fewer}), run)
