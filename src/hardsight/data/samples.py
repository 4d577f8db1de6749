"""Labelled image files as a torch data set, and the three sets of an anomaly-detection task."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from hardsight.core.types import Progress, quiet
from hardsight.data.images import ImageError, read_image, read_mask

OnError = Literal["stop", "skip"]


@dataclass(frozen=True)
class Sample:
    """One image file and what is known of it."""

    path: Path
    anomalous: bool
    mask: Path | None = None
    """The mask's file; None for a normal image or where no mask is known."""
    kind: str = "good"
    """"good", or the name of the defect."""


class Item(NamedTuple):
    """One decoded sample."""

    image: Tensor
    """(3, size, size) float32 in [0, 1]."""
    anomalous: bool
    mask: Tensor | None
    """(1, size, size) bool; None where an anomalous image has no mask."""
    path: Path


class ImageSet(Dataset[Item]):
    """A sequence of samples, decoded to ``size`` x ``size``.

    ``images()`` and ``masks()`` decode everything once, in threads, and keep it; ``[i]`` decodes
    one file afresh. Indices never change: with ``on_error="skip"`` every file is decoded in the
    constructor, and the samples whose image or mask cannot be read are left out there and listed
    in ``skipped``. With "stop" nothing is decoded before it is asked for, and the first unreadable
    file raises ``ImageError``.

    Args:
        samples: May be empty (a task without test images).
        size: Side in pixels.
        root: What ``names`` are relative to; the samples' common folder if None.
        on_error: "stop" or "skip".
        progress: Told of the decoding in the constructor, in files.

    Raises:
        ImageError: with "skip", if not one of the samples can be read.
        ValueError: ``size`` is not positive or ``on_error`` is neither word.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        size: int,
        root: Path | None = None,
        on_error: OnError = "stop",
        progress: Progress = quiet,
    ) -> None:
        if on_error not in ("stop", "skip"):
            raise ValueError(f"on_error must be 'stop' or 'skip', got {on_error!r}")
        if size < 1:
            raise ValueError(f"size must be positive, got {size}")
        self.samples = tuple(samples)
        self.size = size
        self.root = Path(root) if root is not None else common_folder([s.path for s in samples])
        self.skipped: list[ImageError] = []
        self._images: Tensor | None = None
        self._masks: list[Tensor | None] | None = None
        if on_error == "skip" and self.samples:
            self._skip(progress)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        sample = self.samples[index]
        image = read_image(sample.path, self.size)
        return Item(image, sample.anomalous, self._read_mask(sample), sample.path)

    @property
    def labels(self) -> NDArray[np.bool_]:
        """(N,) true = anomalous."""
        return np.array([s.anomalous for s in self.samples], dtype=np.bool_)

    @property
    def names(self) -> tuple[str, ...]:
        """(N,) paths relative to ``root``, with forward slashes."""
        return tuple(relative_name(s.path, self.root) for s in self.samples)

    def images(self, progress: Progress = quiet) -> Tensor:
        """Return all images, uint8 (N, 3, size, size), decoded once and kept.

        Rounded to 8 bits: 16-bit files lose their low byte here, but not in ``[i]``.
        """
        if self._images is None:
            images = self._blank()
            for error in self._decode_into(images, progress, stop=True).values():
                raise error
            self._images = images
        return self._images

    def masks(self) -> Tensor | None:
        """Return all masks, bool (N, 1, size, size); None if any anomalous image lacks one."""
        if any(s.anomalous and s.mask is None for s in self.samples):
            return None
        if self._masks is None:
            with worker_threads() as pool:
                self._masks = list(pool.map(self._read_mask, self.samples))
        found = [mask for mask in self._masks if mask is not None]
        return torch.stack(found) if found else torch.zeros(0, 1, self.size, self.size).bool()

    def check(self, progress: Progress = quiet) -> list[ImageError]:
        """Decode every file, images and masks, and return what cannot be read."""
        return list(self._decode_into(None, progress).values())

    def _skip(self, progress: Progress) -> None:
        images = self._blank()
        errors = self._decode_into(images, progress)
        keep = [i for i in range(len(self.samples)) if i not in errors]
        if not keep:
            first, others = errors[0], len(errors) - 1
            reason = f"{first.reason}; nor can any of the other {others} images of the set be read"
            raise ImageError(first.path, reason)
        self.skipped = list(errors.values())
        self.samples = tuple(self.samples[i] for i in keep)
        self._images = images[keep] if errors else images

    def _blank(self) -> Tensor:
        return torch.empty(len(self.samples), 3, self.size, self.size, dtype=torch.uint8)

    def _decode_into(
        self, images: Tensor | None, progress: Progress, stop: bool = False
    ) -> dict[int, ImageError]:
        """Decode all into ``images``; return index -> error, only the first if ``stop``."""
        errors: dict[int, ImageError] = {}
        rows: Iterable[Tensor | None] = repeat(None) if images is None else images
        with worker_threads() as pool:
            for index, error in enumerate(pool.map(self._try_sample, self.samples, rows)):
                if error is not None:
                    errors[index] = error
                    if stop:
                        pool.shutdown(cancel_futures=True)
                        break
                progress("decode", index + 1, len(self.samples))
        return errors

    def _try_sample(self, sample: Sample, row: Tensor | None) -> ImageError | None:
        try:
            image = read_image(sample.path, self.size)
            if sample.mask is not None:
                read_mask(sample.mask, self.size)
        except ImageError as error:
            return error
        if row is not None:
            row.copy_(image.mul_(255).round_())
        return None

    def _read_mask(self, sample: Sample) -> Tensor | None:
        if sample.mask is not None:
            return read_mask(sample.mask, self.size)
        return None if sample.anomalous else torch.zeros(1, self.size, self.size, dtype=torch.bool)


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
    parts: tuple["AnomalyData", ...] = ()
    """The categories that were put ``together``, each whole; empty for one alone."""

    def limited(self, count: int, balanced: bool = False) -> "AnomalyData":
        """Return the data set with ``count`` test images, spread evenly over each kind.

        By position, never by result. Both kinds are in proportion or, ``balanced``, as equal in
        number as there are images: an AUROC is then known best.

        Raises:
            ValueError: fewer than 2 images, or than both kinds need.
        """
        labels = self.test.labels
        if count >= len(labels):
            return self
        anomalous = int(labels.sum())
        wanted = round(count * anomalous / len(labels))
        if balanced:
            wanted = min(anomalous, max(count // 2, count - (len(labels) - anomalous)))
        if not 0 < wanted < count:
            raise ValueError(f"count={count} test images cannot hold both kinds; take more")
        chosen: list[int] = []
        for kind, n in ((False, count - wanted), (True, wanted)):
            chosen += evenly(np.flatnonzero(labels == kind), n)
        test = ImageSet([self.test.samples[i] for i in chosen], self.test.size, self.test.root)
        return replace(self, test=test)

    def demand_both_kinds(self) -> NDArray[np.bool_]:
        """Return the labels (N,) of the test set, true = anomalous.

        Raises:
            ValueError: images of one kind alone, of which there is no AUROC.
        """
        labels = self.test.labels
        for kind, there in (("anomalous", labels.any()), ("normal", not labels.all())):
            if not there or len(labels) == 0:
                raise ValueError(
                    f"the test set of {self.name} has no {kind} image; AUROC needs both kinds"
                )
        return labels

    @property
    def skipped(self) -> list[ImageError]:
        """The files left out of the three sets with ``on_error="skip"``."""
        return self.train.skipped + self.validation.skipped + self.test.skipped


def evenly(values: NDArray[np.intp], count: int) -> list[int]:
    """Return at most ``count`` of the values, spread evenly over their positions."""
    count = min(count, len(values))
    middles = (np.arange(count) + 0.5) * len(values) / max(count, 1)
    return [int(v) for v in values[middles.astype(int)]]


def split_validation(
    samples: Sequence[Sample], fraction: float = 0.2, seed: int = 0, root: Path | None = None
) -> tuple[list[Sample], list[Sample]]:
    """Hold out a share of the samples; return (kept, held out), each in the given order.

    The samples with the smallest SHA-256 of seed and relative path are held out. Each file keeps
    its place in that order whatever others there are: one file more moves one other at most.

    Args:
        samples: At least two.
        fraction: Share held out, in (0, 1); rounded, at least one sample on either side.
        seed: Another seed, another split.
        root: What the paths are relative to; the samples' common folder if None.

    Raises:
        ValueError: fewer than two samples, or a fraction outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1 (exclusive), got {fraction}")
    if len(samples) < 2:
        given = f"only {samples[0].path}" if samples else "none"
        raise ValueError(f"a split needs at least two images, got {given}; add normal images")
    base = root if root is not None else common_folder([s.path for s in samples])

    def rank(index: int) -> bytes:
        name = relative_name(samples[index].path, base)
        return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogateescape")).digest()

    count = min(max(round(fraction * len(samples)), 1), len(samples) - 1)
    held = set(sorted(range(len(samples)), key=rank)[:count])
    kept = [s for i, s in enumerate(samples) if i not in held]
    return kept, [s for i, s in enumerate(samples) if i in held]


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the deepest folder that holds every file; the working directory if there are none."""
    return Path(os.path.commonpath([p.parent.absolute() for p in paths] or [Path.cwd()]))


def relative_name(path: Path, root: Path) -> str:
    """Return ``path`` relative to ``root`` with forward slashes (``../`` where it lies outside)."""
    return Path(os.path.relpath(path, root)).as_posix()


def worker_threads() -> ThreadPoolExecutor:
    """Return a pool for reading files: decoding and hashing run beside each other in threads."""
    return ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
