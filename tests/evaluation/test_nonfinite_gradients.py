"""A score that saturates under attack: the evaluation goes on, and says on how many images."""

import numpy as np
import pytest
import torch
from torch import nn

from bright import Saturating, blind
from hardsight.attacks import build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation import (
    ClassifierSubject,
    Execution,
    Protocol,
    accuracy_curve,
    calibrate_under,
    evaluate,
)
from hardsight.evaluation.attacked import _nonfinite, attack_batch, attack_set
from hardsight.reports.evaluation import html, markdown

NORMAL = [100, 102, 106, 108]
ANOMALOUS = [80, 85]
LIMIT = 107 / 255
SAID = (
    "Non-finite gradients on {} of {} images, which were attacked on by random search: a score "
    "without a slope proves nothing, look for saturation in it."
)


def pgd(eps_255: float):
    return build_suite("pgd", eps=eps_255 / 255, steps=5)


def test_rows_are_marked_with_the_images_counted_by_hand(make_set):
    """At 4/255 good parts of 106 and 108 are pushed past the limit; the rest stays below."""
    data, told = make_set(NORMAL, ANOMALOUS, masks=False), SAID.format(2, 6)
    protocol = Protocol(gallery=0, batch_size=4, curve=[1 / 255, 4 / 255])
    found = evaluate(Saturating(LIMIT), data, [pgd(4)], protocol=protocol)
    flags = {row.attack: row.flags for row in found.rows}
    assert flags["clean"] == ()
    assert flags["pgd"] == ("not audited", f"unreliable: finite gradients: {told}")
    assert found.notes[-2:] == (
        f"The curve at {1 / 255:.4f}: {SAID.format(1, 6)}",
        f"The curve at {4 / 255:.4f}: {told}",
    )
    for page in (html(found), "\n".join(markdown(found))):
        assert f"Why unreliable: the check finite gradients: {told}" in page
        assert "unreliable: finite gradients" in page


def test_the_attack_goes_on_beyond_the_end_of_the_gradient(make_set):
    """All scores rise by eps, though the gradient of two ends before: on these a search goes on."""
    data = make_set(NORMAL, ANOMALOUS, masks=False)
    found = evaluate(Saturating(LIMIT), data, [pgd(4)], protocol=Protocol(gallery=0))
    lost = np.array([False, False, True, True])
    normal = ~found.labels
    gain = ((found.outputs["pgd"] - found.outputs["clean"])[:, 0] * 255)[normal]
    np.testing.assert_allclose(gain[~lost], 4, atol=1e-3)
    assert (gain[lost] > 1.1).all()  # at most 1 before the gradient ends
    assert (gain[lost] <= 4 + 1e-3).all()


def test_an_attack_of_the_map_is_marked_too(make_set):
    data = make_set(NORMAL, [150, 160])
    found = evaluate(
        Saturating(LIMIT),
        data,
        [build_suite("map-pgd", eps=4 / 255, steps=3)],
        protocol=Protocol(gallery=0),
    )
    attacked = [row for row in found.rows if row.attack == "map-pgd"]
    assert attacked
    assert all("unreliable: finite gradients: " in row.flags[-1] for row in attacked)


def test_one_change_for_all_images_is_marked_on_all(make_set):
    data = make_set(NORMAL, ANOMALOUS, masks=False)
    suite = build_suite("pgd", "universal", 4 / 255, steps=3)
    found = evaluate(Saturating(LIMIT), data, [suite], protocol=Protocol(gallery=0))
    row = next(row for row in found.rows if row.attack == "pgd")
    assert SAID.format(6, 6) in row.flags[-1]


def test_finite_gradients_leave_no_mark(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS, masks=False)
    found = evaluate(bright(), data, [pgd(4)], protocol=Protocol(gallery=0, curve=[4 / 255]))
    assert {flag for row in found.rows for flag in row.flags} == {"not audited"}
    assert not any("Non-finite" in note for note in found.notes)


def test_batches_kept_without_a_record_had_finite_gradients():
    assert _nonfinite({"outputs": torch.zeros(3, 2)}).tolist() == [False] * 3


def test_a_threshold_under_attack_says_so():
    grey = torch.linspace(0.3, 0.45, 19).view(-1, 1, 1, 1).expand(-1, 3, 16, 16)
    found = calibrate_under(Saturating(LIMIT), grey, pgd(4), level=0.1)
    beyond = grey[:, 0, 0, 0] + 4 / 255 > LIMIT
    assert found.nonfinite[beyond].all()
    assert not found.nonfinite[grey[:, 0, 0, 0] + 4 / 255 < LIMIT - 1e-6].any()


class Ending(nn.Module):
    """Two classes by the sign of the sum of the pixels, whose gradient ends in the dark."""

    def forward(self, x):
        x = x + blind(x, x.mean((1, 2, 3)) < 0.45)
        s = (x - 0.5).flatten(1).sum(1)
        return torch.stack([-s, s], 1)


def light() -> LabelledImages:
    pixels = torch.tensor([120, 134, 150]).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).byte()
    return LabelledImages("greys", pixels, torch.ones(3, dtype=torch.long), ("dark", "light"))


def test_classifiers_tell_of_the_images_that_were_still_right():
    """The first is misread at once and attacked no more."""
    subject = ClassifierSubject.of(Ending(), light())
    suite = class_suite("pgd", "Linf", 0.2, steps=4)
    with subject.at_rest():
        found = attack_set(subject, suite, Protocol(gallery=0))
        one = attack_batch(subject, suite, Protocol(gallery=0), 0)
    assert found.nonfinite.tolist() == one["nonfinite"].tolist()
    assert not found.nonfinite[0]


def test_a_line_that_cannot_tell_is_refused():
    suite = class_suite("pgd", "Linf", 0.2, steps=4)
    dark = LabelledImages("dark", light().images // 2, torch.zeros(3).long(), ("dark", "light"))
    with pytest.raises(ValueError, match="at 1: Non-finite gradients on 3 of 3 images"):
        accuracy_curve([1.0], lambda value: (Ending(), dark), suite, execution=Execution())
