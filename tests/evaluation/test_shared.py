"""Universal perturbations in an evaluation: one for all images, resumed as it was crafted."""

import numpy as np
import pytest
import torch

from bright import Bright, Contrast, write_set
from hardsight.attacks import build_suite
from hardsight.evaluation import DetectorSubject, Execution, Protocol, evaluate

SUITE = build_suite("pgd", "universal", "8/255", steps=5)


def test_one_perturbation_is_for_all_images(tmp_path):
    data = write_set(tmp_path / "set", [100, 102, 104], [105, 110])
    protocol = Protocol(1, batch_size=2, gallery=5, curve=(4 / 255,))
    state = Execution(tmp_path / "state")
    found = evaluate(
        Contrast(), data, [SUITE], norm="universal", protocol=protocol, execution=state
    )
    changes = torch.stack([item.attacked - item.image for item in found.gallery])
    torch.testing.assert_close(changes, changes[:1].expand_as(changes), atol=1e-6, rtol=0)
    assert float(changes.abs().max()) <= 8 / 255 + 1e-6
    (row,) = [r for r in found.rows if r.attack == "pgd"]
    assert (row.norm, row.fixed) == ("universal", None)
    assert [x for x, _ in found.curves[0].lines["pgd"]] == [0, 4 / 255]
    assert found.curves[0].x_label == "severity of universal"
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "state").rglob("*.safetensors")}
    again = evaluate(
        Contrast(), data, [SUITE], norm="universal", protocol=protocol, execution=state
    )
    assert np.array_equal(again.outputs["pgd"], found.outputs["pgd"])
    files = (tmp_path / "state").rglob("*.safetensors")
    assert {f: f.stat().st_mtime_ns for f in files} == before


def test_what_moves_all_scores_alike_leaves_their_order(tmp_path):
    """Where each image has its own perturbation, the same detector is turned round."""
    data = write_set(tmp_path / "set", [100, 102, 104], [105, 110])
    own = build_suite("bim", "Linf", "8/255", steps=5)
    rows = evaluate(Bright(), data, [SUITE, own], protocol=Protocol(1, gallery=0)).rows
    left = {r.norm: r.mean.value for r in rows if r.metric == "AUROC" and r.target == "image"}
    assert left == {None: 1.0, "universal": 1.0, "Linf": 0.0}


def test_time_that_ran_out_before_it_was_crafted_is_said(tmp_path):
    data = write_set(tmp_path / "set", [100, 102, 104], [105, 110])
    late = Execution(max_minutes=0)
    found = evaluate(Bright(), data, [SUITE], protocol=Protocol(1, gallery=0), execution=late)
    assert "Time ran out: pgd covers 0 of 5 images." in found.notes


def test_both_labels_weigh_the_same(tmp_path):
    data = write_set(tmp_path / "set", [100, 102, 104], [105, 110])
    subject = DetectorSubject.of(Bright(), data)
    assert subject.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(subject.weights[subject.truth], 1 / 4)
    np.testing.assert_allclose(subject.weights[~subject.truth], 1 / 6)
