"""Labelled image files as a torch data set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from hardsight.core.progress import Progress, quiet
from hardsight.data.decoding import Decoding
from hardsight.data.files import common_folder, relative_name, worker_threads
from hardsight.data.images import Aspect, Window
from hardsight.data.kept import demand_memory
from hardsight.data.masks import read_masks
from hardsight.data.opening import ImageError

OnError = Literal["stop", "skip"]


@dataclass(frozen=True)
class Sample:
    """One image file and what is known of it."""

    path: Path
    anomalous: bool
    masks: tuple[Path, ...] = ()
    """Files that show the defect, to be joined; none for a normal image or where none is known."""
    defect: str = "good"
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
        bits: Of grey images with a container of 16 bits, see ``read_image``.
        aspect: Of images that are no squares, see ``Aspect``; masks follow them.

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
        bits: int | None = None,
        aspect: Aspect = "stretch",
    ) -> None:
        if on_error not in ("stop", "skip"):
            raise ValueError(f"on_error must be 'stop' or 'skip', got {on_error!r}")
        if size < 1:
            raise ValueError(f"size must be positive, got {size}")
        self.samples = tuple(samples)
        self.size = size
        self.decoding = Decoding((size, size), bits, aspect)
        self.root = Path(root) if root is not None else common_folder([s.path for s in samples])
        self.skipped: list[ImageError] = []
        self._images: Tensor | None = None
        self._masks: list[Tensor | None] | None = None
        if on_error == "skip" and self.samples:
            self._skip(progress)

    def of(self, samples: Sequence[Sample], root: Path | None = None) -> "ImageSet":
        """Return a set of other samples, read as these are; ``root``: these ones' if None."""
        bits, aspect = self.decoding.bits, self.decoding.aspect
        return ImageSet(samples, self.size, root or self.root, bits=bits, aspect=aspect)

    def take(self, places: Iterable[int]) -> "ImageSet":
        """Return the set of the samples at some places; what was left out of all stays listed."""
        found = self.of([self.samples[i] for i in places])
        found.skipped = self.skipped
        return found

    def with_images(self, images: Tensor) -> "ImageSet":
        """Return this set with uint8 (N, 3, size, size) in place of what ``images()`` decodes."""
        found = self.of(self.samples)
        found.skipped, found._images, found._masks = self.skipped, images, self._masks
        return found

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        bad = sum(sample.anomalous for sample in self.samples)
        return f"ImageSet({len(self)} of {self.size} x {self.size}, {bad} anomalous)"

    def __getitem__(self, index: int) -> Item:
        sample = self.samples[index]
        image = self.decoding.file(sample.path)
        return Item(image, sample.anomalous, self._read_mask(sample), sample.path)

    def window(self, index: int) -> Window | None:
        """Return where an image lies among its repeated pixels; None: there are none."""
        return self.decoding.window_of(self.samples[index].path)

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

        Raises:
            ImageError: a file cannot be read.
            ValueError: the memory that is free cannot hold them.
        """
        if self._images is None:
            demand_memory(len(self), self.size)
            images = self._blank()
            for error in self._decode_into(images, progress, stop=True).values():
                raise error
            self._images = images
        return self._images

    def masks(self) -> Tensor | None:
        """Return all masks, bool (N, 1, size, size); None if any anomalous image lacks one."""
        if any(s.anomalous and not s.masks for s in self.samples):
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
            image = self.decoding.file(sample.path)
            self._read_mask(sample)
        except ImageError as error:
            return error
        if row is not None:
            row.copy_(image.mul_(255).round_())
        return None

    def _read_mask(self, sample: Sample) -> Tensor | None:
        if sample.masks:
            return read_masks(sample.path, sample.masks, self.size, self.decoding.aspect)
        return None if sample.anomalous else torch.zeros(1, self.size, self.size, dtype=torch.bool)
