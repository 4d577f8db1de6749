"""How a data set is read, whatever its layout."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.image_set import ImageSet, OnError, Sample


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
    """Of both splits, see ``split_validation``."""
    on_error: OnError = "stop"
    """See ``ImageSet``."""
    bits: int | None = None
    """Depth of grey images in files of 16 bits, see ``read_image``."""

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

    def data(
        self,
        root: Path,
        samples: tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]],
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
        train, validation, test = (
            ImageSet(found, self.size, root, self.on_error, bits=self.bits) for found in samples
        )
        name = root.resolve().name if name is None else name
        return AnomalyData(name, train, validation, test, root, notes=tuple(notes))
