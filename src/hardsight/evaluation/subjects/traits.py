"""What decides how often a model is evaluated."""

from typing import Protocol

from hardsight.attacks import Suite
from hardsight.evaluation.subjects.subject import Kind


class Traits(Protocol):
    """A subject, or what is known of one that is not there yet; see ``Subject``."""

    @property
    def kind(self) -> Kind:
        """Detector or classifier."""

    @property
    def random(self) -> bool:
        """Whether the model draws noise."""

    @property
    def own_draws(self) -> int:
        """Noise draws that the model itself averages in one output."""

    @property
    def threshold(self) -> float | None:
        """Above which a score is an alarm; None: there is none."""

    @property
    def judged(self) -> str:
        """The objective that is the score, with the sign of harm."""

    @property
    def surrogates(self) -> tuple[str, ...]:
        """Objectives whose gradients an audit looks at."""

    @property
    def chance_wins(self) -> bool:
        """Whether most random images fool the model."""

    @property
    def bypass(self) -> object | None:
        """The part that a BPDA may go round; None: none."""

    @property
    def source(self) -> object | None:
        """Another model, on which transferred attacks are crafted; None: there is none."""

    def sees(self, suite: Suite) -> Suite:
        """Return a suite as it attacks this model."""

    def quick(self, norm: str) -> Suite:
        """Return the attack of a curve, at radius 0."""
