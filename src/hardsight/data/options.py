"""How a data set is read, whatever its layout."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path
from typing import Any

from hardsight.core.progress import Progress, part_of, quiet
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.image_set import ImageSet, OnError, Sample
from hardsight.data.images import Aspect
from hardsight.data.splits import split_validation

Three = tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]]
"""Training, validation and test samples."""


@dataclass(frozen=True)
class LoadOptions:
    """How images are decoded, and how many normal ones are held out."""

    size: int = 256
    """Side to which images are resized."""
    val_fraction: float = 0.2
    """Share of the normal training images held out for validation."""
    test_fraction: float = 0.2
    """Share of the normal images held out for the test, where a layout has none of its own."""
    seed: int = 0
    """Seed of both splits, see ``split_validation``."""
    on_error: OnError = "stop"
    """See ``ImageSet``."""
    bits: int | None = None
    """Depth of grey images in files of 16 bits, see ``read_image``."""
    aspect: Aspect = "stretch"
    split: str | None = None
    """Name of one of the layout's splits, see ``Layout``; None: the official one."""
    progress: Progress = quiet
    """Told of the decoding with ``on_error="skip"``, in files of all three sets."""

    @classmethod
    def of(cls, **given: Any) -> "LoadOptions":
        """Return the options named.

        Raises:
            TypeError: there is no such option.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(given.keys() - set(known))
        if unknown:
            raise TypeError(
                f"there is no option {', '.join(unknown)}; choose from {', '.join(known)}"
            )
        return cls(**given)

    def hold_out(
        self,
        normal: Sequence[Sample],
        root: Path | None = None,
        validation: Sequence[Sample] = (),
        tested: Sequence[Sample] | None = None,
    ) -> Three:
        """Return normal training, validation and test samples, split as far as they are not.

        Args:
            normal: Training samples, of which what is missing is held out; see
                ``split_validation``.
            root: What their names are relative to in the split.
            validation: Those of the data set's own; empty: ``val_fraction`` is held out.
            tested: Likewise; None: ``test_fraction`` is held out.

        Raises:
            ValueError: too few to split.
        """
        if tested is None:
            normal, tested = split_validation(normal, self.test_fraction, self.seed, root)
        if not validation:
            normal, validation = split_validation(normal, self.val_fraction, self.seed, root)
        return normal, validation, tested

    def data(
        self,
        root: Path,
        samples: Three,
        notes: Sequence[str] = (),
        name: str | None = None,
    ) -> AnomalyData:
        """Return the data set of (training, validation, test) samples in a folder.

        Args:
            root: Its folder, which its files are named after.
            samples: Of each set.
            notes: See ``AnomalyData``.
            name: The folder's if None.
        """
        *starts, total = accumulate(map(len, samples), initial=0)
        train, validation, test = (
            ImageSet(
                found,
                self.size,
                root,
                self.on_error,
                part_of(self.progress, start, total),
                self.bits,
                self.aspect,
            )
            for found, start in zip(samples, starts, strict=True)
        )
        name = root.resolve().name if name is None else name
        return AnomalyData(name, train, validation, test, root, notes=tuple(notes))
