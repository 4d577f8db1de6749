"""The three sets of an anomaly-detection task."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hardsight.core.progress import Progress, part_of, quiet
from hardsight.data.image_set import ImageSet
from hardsight.data.opening import ImageError
from hardsight.data.splits import evenly


@dataclass(frozen=True)
class AnomalyData:
    """A task: learn from ``train``, choose on ``validation``, report on ``test``."""

    name: str
    train: ImageSet
    """Normal images only."""
    validation: ImageSet
    """Normal images that training never sees."""
    test: ImageSet
    """Normal and anomalous images; empty where none were given."""
    root: Path
    categories: tuple["AnomalyData", ...] = ()
    """The categories that were put ``together``, each whole; empty for one alone."""
    notes: tuple[str, ...] = ()
    """What the reader took for granted or left out, a sentence each; see ``findings``."""

    def limited(self, count: int, balanced: bool = False) -> "AnomalyData":
        """Return the data set with ``count`` test images, spread evenly over each label.

        By position, never by result. Normal and anomalous images are in proportion or,
        ``balanced``, as equal in number as there are images: an AUROC is then known best.

        Raises:
            ValueError: fewer than 2 images, or than one of each label.
        """
        labels = self.test.labels
        if count >= len(labels):
            return self
        anomalous = int(labels.sum())

        def share(count: int) -> int:
            if balanced:
                return min(anomalous, max(count // 2, count - (len(labels) - anomalous)))
            return round(count * anomalous / len(labels))

        wanted = share(count)
        if not 0 < wanted < count:
            more = range(count + 1, len(labels))
            least = next((n for n in more if 0 < share(n) < n), len(labels))
            raise ValueError(
                f"count={count} test images cannot hold both labels; limit them to no fewer than "
                f"{least}"
            )
        chosen: list[int] = []
        for label, n in ((False, count - wanted), (True, wanted)):
            chosen += evenly(np.flatnonzero(labels == label), n)
        return replace(self, test=self.test.take(chosen))

    def decode_normals(self, progress: Progress = quiet) -> None:
        """Decode the images that a fit takes, training and validation, which are kept from then on.

        Args:
            progress: told of the images.

        Raises:
            ImageError: a file cannot be read.
            ValueError: the memory that is free cannot hold them.
        """
        total = len(self.train) + len(self.validation)
        self.train.images(part_of(progress, 0, total))
        self.validation.images(part_of(progress, len(self.train), total))

    def by_category(self, role: Callable[["AnomalyData"], ImageSet]) -> tuple[Tensor, ...]:
        """Return the images of one of the sets, uint8 (n, 3, size, size) of each category: views.

        Raises:
            ImageError, ValueError: see ``ImageSet.images``.
        """
        counts = [len(role(one)) for one in self.categories or (self,)]
        return torch.split(role(self).images(), counts)

    @property
    def skipped(self) -> list[ImageError]:
        """The files left out of the three sets with ``on_error="skip"``."""
        return self.train.skipped + self.validation.skipped + self.test.skipped
