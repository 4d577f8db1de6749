"""Augmentation policies of normal images, and training batches drawn evenly from these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Generator, Tensor

from hardsight.augment.crops import cropped
from hardsight.augment.symmetry import symmetries, turned
from hardsight.augment.variation import light, relit, shifted, shown_shift

Augment = Literal["auto", "all", "turns", "none"]
"""How training images are changed; see ``AugmentationPolicy.of``."""
FEW = 32
"""Fewer training images than this are shifted and relit too."""


@dataclass(frozen=True, eq=False)
class AugmentationPolicy:
    """What keeps the normal images of one category normal: flips, turns, shifts and light."""

    count: int
    """How many images it is the policy of."""
    turns: tuple[str, ...] = ()
    """Names in ``hardsight.augment.TURNS``."""
    shift: int = 0
    """Pixels by which an image may be moved along either axis."""
    light: Tensor | None = None
    """(count, 2) from ``hardsight.augment.variation.light``; None: images are not relit."""

    def shrunk(self, factor: int) -> "AugmentationPolicy":
        """Return the policy of the same images, ``factor`` times smaller."""
        return replace(self, shift=self.shift // factor)

    @property
    def changes(self) -> bool:
        """Whether it changes any image."""
        return bool(self.turns) or self.shift > 0 or self.light is not None

    @classmethod
    def of(cls, images: Tensor, augment: Augment = "auto") -> "AugmentationPolicy":
        """Measure on normal images themselves what keeps them normal.

        Args:
            images: (N, 3, H, W) uint8, of one category.
            augment: "turns" are the flips and turns of ``symmetries``; "all" adds the shifts of
                ``shown_shift`` and the light of other images (``relit``); "auto" is "all" where
                there are fewer than ``FEW`` images, which show too little by themselves, and
                "turns" otherwise; "none" leaves images as they are.
        """
        turns = () if augment == "none" else symmetries(images)
        if augment == "all" or (augment == "auto" and len(images) < FEW):
            return cls(len(images), turns, shown_shift(images), light(images))
        return cls(len(images), turns)

    def drawn(
        self, size: int, generator: Generator, images: Tensor, *masks: Tensor
    ) -> tuple[Tensor, ...]:
        """Draw ``size`` whole images of its category, and change each; see ``drawn``."""
        return drawn((self,), size, None, generator, images, *masks)


def drawn(
    policies: Sequence[AugmentationPolicy],
    size: int,
    crop: int | None,
    generator: Generator,
    images: Tensor,
    *masks: Tensor,
) -> tuple[Tensor, ...]:
    """Draw images, as many under each policy however many it has, and change each as it says.

    Args:
        policies: of the images, in their order; their counts add up to N.
        size: B, how many to draw.
        crop: see ``cropped``.
        generator: of all that is random.
        images: (N, C, H, W) uint8.
        masks: (N, 1, H, W) each, which move as the images do.

    Returns:
        (B, C, h, w) and (B, 1, h, w) each.
    """
    if sum(policy.count for policy in policies) != len(images):
        counts = ", ".join(str(policy.count) for policy in policies)
        raise ValueError(f"policies of {counts} images do not add up to {len(images)}")
    if len(policies) == 1:
        which = torch.zeros(size, dtype=torch.long)
        index = torch.randint(len(images), (size,), generator=generator)
    else:
        which = torch.randint(len(policies), (size,), generator=generator)
        many = torch.tensor([policy.count for policy in policies])
        within = (torch.rand(size, generator=generator) * many[which]).long()
        index = within + (many.cumsum(0) - many)[which]
    batches = cropped(index, crop, generator, images, *masks)
    found = [torch.empty_like(batch) for batch in batches]
    start = 0
    for i, policy in enumerate(policies):
        rows = (which == i).nonzero().flatten()
        if len(rows):
            parts = _changed(policy, index[rows] - start, generator, *(b[rows] for b in batches))
            for whole, part in zip(found, parts, strict=True):
                whole[rows] = part
        start += policy.count
    return tuple(found)


def _changed(
    policy: AugmentationPolicy, index: Tensor, generator: Generator, *rows: Tensor
) -> tuple[Tensor, ...]:
    """Turn, move and relight images and masks under one policy; ``index`` (B,) is among its own."""
    images, *masks = turned(policy.turns, generator, *rows)
    if policy.shift:
        span = 2 * policy.shift + 1
        moves = torch.randint(span, (len(index), 2), generator=generator) - policy.shift
        images, *masks = (shifted(batch, moves) for batch in (images, *masks))
    if policy.light is not None:
        other = torch.randint(policy.count, (len(index),), generator=generator)
        images = relit(images, policy.light[index], policy.light[other], generator)
    return (images, *masks)
