"""The contract of a logger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from hardsight.core.extras import needed


@dataclass(frozen=True)
class Training:
    """The training that a logger shows."""

    folder: Path
    """Where its files are; a logger writes below it."""
    step: int = 0
    """Steps done before this session; a logger drops later ones where it can."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Name -> value, as ``config.yaml`` has them below ``training``."""


class Logger(Protocol):
    """Shows the curves and sample pictures of a training."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show values by their names, after so many steps."""

    def picture(self, image: Tensor, step: int) -> None:
        """Show a sample picture (3, H, W) in [0, 1]."""

    def close(self) -> None:
        """Write what is left, and end."""


def package(name: str) -> Any:
    """Return the package of a logger that is an extra of the same name.

    Raises:
        ImportError: it is not installed.
    """
    return needed(name, f"'hardsight[{name}]'", f"training.loggers={name}")


Opened = Callable[[Training], Logger]
