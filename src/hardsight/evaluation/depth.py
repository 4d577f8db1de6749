"""How deep a purifier goes, chosen on images that it was not trained on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from hardsight.attacks import Suite
from hardsight.data import LabelledImages
from hardsight.evaluation.classifiers import USUAL, accuracy_curve
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.results import Estimate

EXECUTION = Execution()


@dataclass(frozen=True)
class DepthChoice:
    """The depth that was chosen, and by what."""

    depth: int
    """T*."""
    alone: Estimate
    """Accuracy of the classifier without a purifier, on clean images."""
    clean: Mapping[int, Estimate]
    """Depth -> accuracy behind the purifier, on clean images."""
    attacked: Mapping[int, Estimate]
    """Depth -> accuracy under attack, of the depths that keep enough; empty without an attack."""
    images: int

    @property
    def statement(self) -> str:
        """What a report says of it."""
        kept = f"{100 * self.clean[self.depth].value:.1f} of {100 * self.alone.value:.1f} % clean"
        how = "the one that leaves most under attack" if self.attacked else "the deepest"
        return (
            f"T* = {self.depth}, chosen on {self.images} held-out images: {kept}; of the depths "
            f"that keep enough {how}"
        )


def choose_depth(
    classifier: nn.Module,
    purified: Callable[[int], nn.Module],
    depths: Sequence[int],
    held_out: LabelledImages,
    suite: Suite | None = None,
    *,
    share: float = 0.9,
    protocol: Protocol = USUAL,
    execution: Execution = EXECUTION,
) -> DepthChoice:
    """Choose the depth T* of a purifier, on images that are no test images.

    Of the depths behind which clean images keep ``share`` of the classifier's accuracy it is the
    one that leaves most under the attack, or without one the deepest.

    Args:
        classifier: images (B, C, H, W) in [0, 1] -> logits (B, K).
        purified: depth -> the same classifier behind the purifier, e.g. a ``Purified``.
        depths: T*, to choose among.
        held_out: labelled images that neither part was trained on.
        suite: the attack.
        share: of the classifier's own accuracy.
        protocol, execution: see ``accuracy_curve``.

    Raises:
        ValueError: no depth, or none that keeps so much.
    """
    if not depths:
        raise ValueError("depths must hold at least one T*, got none; 30, 90 and 140 are usual")

    def behind(depth: float) -> tuple[nn.Module, LabelledImages]:
        return purified(int(depth)), held_out

    def measured(values: Sequence[int], by: Suite | None) -> dict[int, Estimate]:
        found = accuracy_curve(values, behind, by, protocol=protocol, execution=execution)
        return {int(depth): estimate for depth, estimate in found}

    ((_, alone),) = accuracy_curve(
        (0,), lambda _: (classifier, held_out), protocol=protocol, execution=execution
    )
    clean = measured(sorted(set(depths)), None)
    enough = [depth for depth, found in clean.items() if found.value >= share * alone.value]
    if not enough:
        best = max(clean, key=lambda depth: clean[depth].value)
        raise ValueError(
            f"no depth of {sorted(clean)} keeps share={share:g} of the {100 * alone.value:.1f} % "
            f"that the classifier reads rightly; T* = {best} keeps most, "
            f"{100 * clean[best].value:.1f} %: add shallower ones, or lower share"
        )
    attacked = measured(enough, suite) if suite else {}
    depth = max(enough, key=lambda d: (attacked[d].value if suite else 0.0, d))
    return DepthChoice(depth, alone, clean, attacked, len(held_out))
