import pytest
from masked import pictures

from hardsight.audit import Budget
from hardsight.audit.context import Context

TINY = Budget("tiny", ("score", "mean"), (2, 6), 6, (1, 2), (1, 2), (4,), queries=40, gradients=8)


@pytest.fixture(scope="session")
def tiny():
    """A budget for detectors of 16 x 16 pixels."""
    return TINY


@pytest.fixture
def context():
    """detector, ball -> the context of an audit on 16 pictures."""

    def make(detector, ball, budget=TINY, shown=None, **settings) -> Context:
        images, labels = shown or pictures()
        return Context(
            detector.eval().requires_grad_(False), images, labels.numpy(), ball, budget, **settings
        )

    return make
