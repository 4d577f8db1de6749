"""One perturbation for all images: dirt on the lens (Moosavi-Dezfooli et al., 2017)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, signed


@dataclass(frozen=True)
class Universal(Threat):
    """Add the same perturbation to every image of a set; no pixel changes by more than ``eps``.

    ``attacks.universal.craft`` finds it, for it is no attack of single images.
    """

    name: ClassVar[str] = "universal"
    default: ClassVar[float] = 8 / 255
    severity: ClassVar[str] = "the largest change of a pixel, of 1"
    shared: ClassVar[bool] = True

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return images with the perturbation."""
        return (images + self.eps * signed(parameters)).clamp(0, 1)
