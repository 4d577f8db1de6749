"""Images with classes: what a classifier is trained and measured on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from hardsight.core.types import check_classes, check_images
from hardsight.data.splits import evenly

Part = Literal["train", "test"]
"""A part of a published set of images with classes."""


def demand_labelled(images: Tensor, labels: Tensor) -> None:
    """Refuse what is not (N, C, H, W) uint8 with N int64 labels, N at least 1.

    Raises:
        ValueError: naming which it is.
    """
    if images.ndim != 4 or images.dtype != torch.uint8 or len(images) == 0:
        raise ValueError(
            f"images must be (N, C, H, W) uint8, got {tuple(images.shape)} {images.dtype}"
        )
    if labels.shape != (len(images),) or labels.dtype != torch.int64:
        raise ValueError(
            f"labels must be one int64 an image, got {tuple(labels.shape)} {labels.dtype} for "
            f"{len(images)} images"
        )


def class_name(classes: Sequence[str], number: int) -> str:
    """Return the name of a class; its number where it has none, as one that only a model knows."""
    return classes[number] if number < len(classes) else str(number)


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images of one size, and a class of each."""

    name: str
    images: Tensor
    """(N, C, H, W) uint8."""
    labels: Tensor
    """(N,) int64, from 0 on."""
    classes: tuple[str, ...]
    note: str = ""
    """What a result on these images must say, e.g. that they are lossy copies."""

    def __post_init__(self) -> None:
        demand_labelled(self.images, self.labels)
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.classes):
            raise ValueError(f"labels must be in 0..{len(self.classes) - 1}, got {low}..{high}")

    @classmethod
    def of(
        cls,
        images: Tensor,
        labels: ArrayLike | Tensor,
        classes: int | Sequence[str],
        name: str = "images",
    ) -> "LabelledImages":
        """Take a batch as other libraries hold it: floats in [0, 1] that were bytes, and labels.

        Args:
            images: (N, C, H, W), n/255 as ``ToTensor`` of torchvision makes them, or uint8.
            labels: (N,) integers from 0 on: a tensor, an array or a list.
            classes: how many there are, also those of no image, or their names.
            name: of the data, in reports.

        Raises:
            TypeError: images that are no tensor; classes that are neither a number nor names.
            ValueError: images between two bytes, which rounding would change; labels that are no
                integers; or as the class.
        """
        if not isinstance(images, Tensor):
            kind = type(images).__name__
            raise TypeError(f"images must be a tensor, got {kind}; torch.from_numpy makes one")
        if isinstance(classes, str | float):
            raise TypeError(f"classes must be how many there are, or their names, got {classes!r}")
        if images.is_floating_point():
            levels = (255 * check_images(images)).round()
            apart = (levels / 255 - images).abs() > 1e-4
            if bool(apart.any()):
                raise ValueError(
                    f"images must be n/255, as bytes divided by 255 are, got {images[apart][0]:g}; "
                    "augmented or normalised ones are not: put that into the model, or round them"
                )
            images = levels.to(torch.uint8)
        names = tuple(map(str, range(classes))) if isinstance(classes, int) else tuple(classes)
        return cls(name, images.detach().cpu(), check_classes(labels).cpu(), names)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.images.shape[1:]))
        return f"LabelledImages({self.name!r}, {len(self)} of {size}, {len(self.classes)} classes)"

    def take(self, index: Sequence[int] | Tensor) -> "LabelledImages":
        """Return the images at some places."""
        chosen = torch.as_tensor(index, dtype=torch.long)
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def limited(self, count: int | None) -> "LabelledImages":
        """Return ``count`` images, as many of each class as can be, spread evenly by position."""
        return self if count is None or count >= len(self) else self.take(self.spread(count))

    def spread(self, count: int | None) -> list[int]:
        """Return the places of the images of ``limited``."""
        if count is None or count >= len(self):
            return list(range(len(self)))
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        chosen: list[int] = []
        for c in range(len(self.classes)):
            share = count * (c + 1) // len(self.classes) - count * c // len(self.classes)
            chosen += evenly(np.flatnonzero(self.labels.numpy() == c), share)
        return sorted(chosen)

    def split(self, fraction: float, seed: int = 0) -> tuple["LabelledImages", "LabelledImages"]:
        """Return (the rest, a random share of ``fraction`` held out), each in its order."""
        n = round(fraction * len(self))
        if not 0 < n < len(self):
            raise ValueError(f"fraction={fraction} of {len(self)} images leaves a side empty")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self.take(order[n:].sort().values), self.take(order[:n].sort().values)

    @property
    def sha256(self) -> str:
        """The hash of all pixels and labels."""
        digest = hashlib.sha256(str(tuple(self.images.shape)).encode())
        for values in (self.images, self.labels):
            digest.update(values.contiguous().numpy().tobytes())
        return digest.hexdigest()
