"""A budget of what is seen instead of what is changed: the structural similarity."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, signed
from hardsight.core.batches import per_image
from hardsight.synthesis.similarity import ssim

ROUNDS = 8
"""Steps of the search for the length at which the budget is spent."""


@dataclass(frozen=True)
class Perceptual(Threat):
    """Perturb images until their structural similarity is 1 - ``eps`` (Wang et al., 2004).

    What an eye overlooks in a texture may be larger than what it sees on an even surface. The
    parameters are the perturbation's direction; its length is what the budget leaves it, at most
    the whole range of a pixel, as in the perceptual attacks of Laidlaw et al. (2021).
    """

    name: ClassVar[str] = "perceptual"
    default: ClassVar[float] = 0.02
    severity: ClassVar[str] = "what the structural similarity (SSIM) may lose, of 1"

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return perturbed images; the gradient knows that a new direction has another length.

        With D the distance 1 - SSIM and s the length at which D(s) = eps, Newton's step
        s - (D(s) - eps) / D'(s) has the value s and, with s and D'(s) held, the gradient of the
        implicit function theorem.
        """
        direction = signed(parameters)
        found = self._length(images, direction.detach())
        with torch.enable_grad():
            s = found.requires_grad_()
            (slope,) = torch.autograd.grad(_distance(images, direction.detach(), s).sum(), s)
        s = found.detach()
        excess = _distance(images, direction, s) - self.eps
        spent = (s > 0) & (s < 1)
        step = torch.where(spent, excess / torch.where(slope > 0, slope, 1.0), 0.0)
        return _changed(images, direction, s - step)

    @torch.no_grad()
    def _length(self, images: Tensor, direction: Tensor) -> Tensor:
        """Return the length (B,) in [0, 1] at which the budget is spent; 1 where it is not.

        The false position of a power of the length: through the last point inside the budget and
        the last outside; without one inside, of the square, and a tenth shorter.
        """
        high = s = images.new_ones(len(images))
        low = beneath = torch.zeros_like(high)
        above = _distance(images, direction, high)
        whole = above <= self.eps
        for _ in range(ROUNDS):
            power = (above / beneath).log() / (high / low).log()
            between = low * (self.eps / beneath) ** (1 / power)
            s = torch.where(low > 0, between, 0.9 * high * (self.eps / above).sqrt())
            s = torch.minimum(torch.maximum(s.nan_to_num(0), low), high)
            distance = _distance(images, direction, s)
            inside = distance <= self.eps
            low, beneath = torch.where(inside, s, low), torch.where(inside, distance, beneath)
            high, above = torch.where(inside, high, s), torch.where(inside, above, distance)
        return torch.where(whole, 1.0, s)


def _changed(images: Tensor, direction: Tensor, length: Tensor) -> Tensor:
    """Return images moved by lengths (B,) along their directions, inside [0, 1]."""
    return (images + per_image(length, images) * direction).clamp(0, 1)


def _distance(images: Tensor, direction: Tensor, length: Tensor) -> Tensor:
    """Return 1 - SSIM (B,) of images moved by lengths (B,) along their directions."""
    return 1 - ssim(_changed(images, direction, length), images)
