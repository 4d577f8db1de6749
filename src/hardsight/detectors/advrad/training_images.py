"""Normal images, and where anomalies are made on them, as a training draws both."""

from dataclasses import dataclass

from torch import Generator, Tensor

from hardsight.augment import AugmentationPolicy, drawn


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """Training normals of one or of several categories."""

    images: Tensor
    """(N, 3, H, W) uint8."""
    where: Tensor
    """(N, 1, H, W) bool, where anomalies are made: the foreground and what is near it."""
    policies: tuple[AugmentationPolicy, ...] = ()
    """Of the images, see ``DenoisingTask``; empty: one, images left as they are."""
    crop: int | None = None
    """Side of the random squares that are trained on; None: whole images."""

    def __len__(self) -> int:
        return len(self.images)

    def drawn(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, h, w) uint8, where (B, 1, h, w) bool), as the policies say."""
        policies = self.policies or (AugmentationPolicy(len(self)),)
        return drawn(policies, size, self.crop, generator, self.images, self.where)
