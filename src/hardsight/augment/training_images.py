"""Normal images as a training draws them."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Generator, Tensor

from hardsight.augment.crops import cropped
from hardsight.augment.policy import AugmentationPolicy, drawn


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """Training normals of one or of several categories."""

    images: Tensor
    """(N, 3, H, W) uint8."""
    policies: tuple[AugmentationPolicy, ...] = ()
    """One of each category, in the order of the images; each is drawn equally often and says how
    its images are changed. Empty: one, images left as they are."""
    where: Tensor | None = None
    """(N, 1, H, W) bool, where anomalies are made: the foreground and what is near it."""
    crop: int | None = None
    """Side of the random squares that are trained on; None: whole images."""
    shrunk: Self | None = None
    """The same images at the size of the squares, whole: half of what is drawn."""

    def __post_init__(self) -> None:
        if len(self.images) == 0:
            raise ValueError("there are no training images")

    def __len__(self) -> int:
        return len(self.images)

    def drawn(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw images (B, 3, h, w) uint8, and where anomalies are made (B, 1, h, w) if it is known.

        Args:
            size: B; of an odd number, as of one, either size may have one more.
            generator: of all that is random.
        """
        if self.shrunk is None:
            return self._drawn(size, generator)
        large = (size + int(torch.randint(2, (), generator=generator))) // 2
        parts = [self._drawn(large, generator)] if large else []
        if large < size:
            parts.append(self.shrunk.drawn(size - large, generator))
        return tuple(torch.cat(both) for both in zip(*parts, strict=True))

    def first(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return those of ``index`` (B,), unchanged, of a large picture always the same square."""
        return cropped(index, self.crop, Generator().manual_seed(0), *self._pictures)

    def _drawn(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        policies = self.policies or (AugmentationPolicy(len(self)),)
        return drawn(policies, size, self.crop, generator, *self._pictures)

    @property
    def _pictures(self) -> tuple[Tensor, ...]:
        return (self.images,) if self.where is None else (self.images, self.where)
