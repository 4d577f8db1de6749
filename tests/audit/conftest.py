import pytest
from masked import pictures

from hardsight.audit import Budget
from hardsight.audit.audited import Audited, Terms
from hardsight.evaluation.subjects import DetectorSubject

TINY = Budget("tiny", ("score", "mean"), (2, 6), 6, (1, 2), (1, 2), (4,), queries=40, gradients=8)


@pytest.fixture(scope="session")
def tiny():
    """A budget for detectors of 16 x 16 pixels."""
    return TINY


@pytest.fixture
def audited():
    """detector, ball -> a detector under audit on 16 pictures."""

    def make(detector, ball, budget=TINY, shown=None, source=None, **terms) -> Audited:
        images, labels = shown or pictures()
        model = detector.eval().requires_grad_(False)
        subject = DetectorSubject(model, images, labels.numpy(), source)
        return Audited(subject, Terms(ball, budget, **terms))

    return make
