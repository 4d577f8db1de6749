"""The approximate search beside the exact one; skipped without the extra ``faiss``."""

import copy
import json
import pickle

import pytest
import torch
from tiny_banks import TINY, images

from hardsight.config import load_preset
from hardsight.detectors.memory_bank.bank import Bank
from hardsight.detectors.memory_bank.search_difference import search_difference
from hardsight.runs import start_run

pytest.importorskip("faiss", reason="needs the extra: pip install 'hardsight[faiss]'")


def vectors(n: int, seed: int, dims: int = 6) -> torch.Tensor:
    return torch.randn(n, dims, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def bank():
    found = Bank(1, 6, "faiss")
    found.fill(vectors(4000, 0))
    return found


def test_it_finds_nearly_all_neighbours_and_says_what_it_missed(bank):
    queries = vectors(500, 1)
    found, apart = bank.nearest(queries), search_difference(bank, queries)
    right = torch.cdist(queries, bank.vectors).min(1)
    missed = found[:, 0] != right.indices
    assert apart.missed == pytest.approx(float(missed.double().mean()))
    assert 0 < apart.missed < 0.2
    excess = bank.distances(queries, found)[:, 0] / right.values - 1
    assert apart.largest_excess == pytest.approx(float(excess.max()), rel=1e-3)
    assert apart.mean_excess == pytest.approx(float(excess.mean()), rel=1e-2)
    assert (excess > -1e-4).all()


def test_distances_to_what_was_found_and_their_gradient_are_exact(bank):
    queries = vectors(20, 2).requires_grad_()
    index = bank.nearest(queries)
    distances = bank.distances(queries, index)
    distances.sum().backward()
    away = queries.detach() - bank.vectors[index[:, 0]]
    torch.testing.assert_close(distances[:, 0].detach(), away.norm(dim=1))
    torch.testing.assert_close(queries.grad, away / away.norm(dim=1, keepdim=True))


def test_the_lists_are_those_of_the_vectors_as_they_are(bank):
    queries = vectors(50, 3)
    before, twin = bank.nearest(queries), copy.deepcopy(bank)
    with torch.no_grad():
        bank.vectors.neg_()
    assert not torch.equal(bank.nearest(queries), before)
    assert torch.equal(twin.nearest(queries), before)
    bank.fill(vectors(4000, 0))
    assert torch.equal(bank.nearest(queries), before)


@pytest.mark.parametrize("loaded", [0, 1, 2])
def test_a_copy_that_is_given_other_vectors_searches_those(bank, loaded):
    for _ in range(loaded):
        bank.load_state_dict(bank.state_dict())
    queries, other = vectors(50, 3), Bank(1, 6)
    bank.nearest(queries)
    other.fill(vectors(4000, 7))
    moved = copy.deepcopy(bank).double().float()
    for twin in (copy.deepcopy(bank), pickle.loads(pickle.dumps(bank)), moved):
        twin.load_state_dict(other.state_dict())
        right = twin.nearest_exactly(queries)
        assert float((twin.nearest(queries) == right).double().mean()) > 0.7


def test_a_fit_reports_the_difference(stripes, tmp_path):
    values = {"data.path": str(stripes.root), "detector": TINY | {"search": "faiss", "bank": 60}}
    run = start_run(tmp_path / "run", load_preset("patchcore").updated(values))
    found = run.fit("cpu")
    told = json.loads((run.path / "selection.json").read_text())
    assert told["search"]["queries"] == 16 * len(stripes.validation)
    assert told["statement"] == run.remarks()[1]
    assert told["statement"].startswith("The search by FAISS misses")
    assert run.detector("cpu").settings["search"] == "faiss"
    x = images()
    assert torch.equal(run.detector("cpu")(x).pred_score, found(x).pred_score)
