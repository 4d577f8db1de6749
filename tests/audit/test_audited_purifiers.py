"""A purifier of many steps passes with its exact gradient, and fails where a part of it is cut."""

import pytest
import torch
from misread import Linear, blobs
from torch import nn

from hardsight.attacks import Linf
from hardsight.audit import CHECKS, Budget, audit
from hardsight.audit.audited import Audited, Terms
from hardsight.core.modules import seeded
from hardsight.diffusion import Denoiser, Schedule
from hardsight.evaluation import ClassifierSubject
from hardsight.purifiers import ADP, RAP, Adapter, DDIMPurifier, DiffPure, OneShot, Purified

EPS = 16 / 255
TINY = Budget("tiny", ("score",), (2, 5), 5, (1, 2), (1, 2), (4,), queries=30, gradients=4)


class Smooth(Denoiser):
    """Blurs what it sees, and adds some of a smooth network."""

    def __init__(self, curved=0.1):
        super().__init__(Schedule.linear())
        self.curved = curved
        with seeded(0):
            self.net = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x_t, t):
        blurred = nn.functional.avg_pool2d(x_t, 3, 1, 1, count_include_pad=False)
        return blurred + self.curved * torch.tanh(self.net(x_t) / self.curved)


class Cut(Smooth):
    """The same, under no_grad: what is left goes round the denoiser from step to step."""

    @torch.no_grad()
    def forward(self, x_t, t):
        return super().forward(x_t, t)


class CutAbove(Smooth):
    """The same, under no_grad in all steps but the last one."""

    def forward(self, x_t, t):
        found = super().forward(x_t, t)
        return found if t == LAST else found.detach()


LAST = 10
"""The lowest timestep of the processes of several steps below."""


def of(denoiser):
    """Every purifier that is made of a denoiser."""
    return {
        "ddim": DDIMPurifier(denoiser, depth=40, skip=10),
        "ddim, eta 1": DDIMPurifier(denoiser, depth=40, skip=10, eta=1.0),
        "ddim, checkpointed": DDIMPurifier(denoiser, depth=40, skip=10, checkpoint=True),
        "diffpure": DiffPure(denoiser, depth=40, stride=10),
        "ancestral": DiffPure(denoiser, depth=40, stride=10, form="ancestral"),
        "adp": ADP(denoiser, level=0.2, sigma=0.05, steps=2, delta=1e-2),
        "one-shot": OneShot(denoiser, 0.05),
    }


NAMES = tuple(of(Smooth()))


def under_audit(purifier):
    model = Purified(purifier, Linear()).eval().requires_grad_(False)
    return Audited(ClassifierSubject.of(model, blobs()), Terms(Linf(EPS), TINY, batch_size=32))


@pytest.mark.parametrize("name", NAMES)
def test_the_exact_gradient_is_told_from_a_cut_one(name):
    assert CHECKS["gradient"](under_audit(of(Smooth())[name])).verdict == "pass"
    found = CHECKS["gradient"](under_audit(of(Cut())[name]))
    assert found.verdict == "fail", found


@pytest.mark.parametrize("name", ["diffpure", "ancestral"])
def test_a_gradient_that_is_cut_but_in_the_last_step_is_told_too(name):
    assert CHECKS["gradient"](under_audit(of(CutAbove())[name])).verdict == "fail"


@pytest.mark.parametrize("name", ["adp", "one-shot"])
def test_the_whole_audit_agrees(name):
    exact = Purified(of(Smooth())[name], Linear()).eval()
    found = audit(exact, blobs(), eps=EPS, budget=TINY)
    assert found.passed, found.to_json()
    assert found["bpda"].verdict == found["transfer"].verdict == "pass"
    cut = Purified(of(Cut())[name], Linear()).eval()
    found = audit(cut, blobs(), eps=EPS, budget=TINY)
    assert not found.passed
    assert "must not be trusted" in found.headline
    assert any("gradient" in reason for reason in found.stamp)


def test_the_gradient_of_the_adjoint_is_another():
    """Of a process in few steps; DiffPure's published figures rest on it."""
    exact, adjoint = (
        under_audit(DiffPure(Smooth(0.3), depth=200, stride=50, gradient=gradient))
        for gradient in ("exact", "adjoint")
    )
    assert CHECKS["gradient"](exact).verdict == "pass"
    assert CHECKS["gradient"](adjoint).verdict == "fail"


def test_a_hard_clamp_is_told_where_it_acts():
    """An adapter far off leaves every pixel at the end of its range, without a slope."""

    class Bright(RAP):
        def restore(self, images, t):
            return self.limited(super().restore(images, t) + 1.5)

    adapter = Adapter(size=8, image_channels=1, channels=8, multipliers=(1,), length=3)
    assert CHECKS["gradient"](under_audit(Bright(adapter))).verdict == "pass"
    found = CHECKS["gradient"](under_audit(Bright(adapter, clamp="hard")))
    assert found.verdict == "fail"
    assert "no slope" in found.sentence
