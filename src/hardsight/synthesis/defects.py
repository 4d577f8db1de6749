"""Synthetic defects with exact masks: a shape composed with a filling.

No library draws them: torchvision's augmentations change whole images or erase boxes, and none
returns the mask of what can be seen.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from hardsight.synthesis import fillings, shapes
from hardsight.synthesis.fillings import Filling
from hardsight.synthesis.shapes import Shape, uniform

VISIBLE = 1.5 / 255
"""A pixel counts as changed above this difference, in [0, 1]; 8-bit rounding does not undo it."""
_STRIKING = 6 / 255
"""A defect whose pixels change by less on average is redrawn."""
_REDRAWS = 20


class UnseenError(ValueError):
    """A defect that cannot be seen on the image it was asked for on."""


class Defect(Protocol):
    """A way to put a defect on an image."""

    def __call__(
        self,
        image: Tensor,
        generator: Generator,
        severity: float,
        foreground: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the defective image and its mask.

        Args:
            image: (3, H, W) float in [0, 1].
            generator: All the randomness.
            severity: In (0, 1]: size and contrast.
            foreground: (1, H, W) bool, where the defect's centre must lie; anywhere but near the
                border if None.

        Returns:
            image (3, H, W) in [0, 1] without gradient, mask (1, H, W) bool: true exactly where the
            two images differ, which is by more than ``VISIBLE`` in some channel.

        Raises:
            UnseenError: it cannot be seen on this image (a blurred part of an even surface).
            ValueError: bad arguments.
        """


@dataclass(frozen=True)
class Composed:
    """The defect that gives the pixels of ``shape`` the look of ``filling``."""

    shape: Shape
    filling: Filling

    @torch.no_grad()
    def __call__(
        self,
        image: Tensor,
        generator: Generator,
        severity: float,
        foreground: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """See ``Defect``."""
        image = _check(image, severity, foreground).detach()
        height, width = image.shape[1:]
        for _ in range(_REDRAWS):
            centre = _centre((height, width), generator, foreground)
            alpha = self.shape((height, width), centre, generator, severity).to(image)
            defective = self.filling(image, alpha, generator, severity)
            change = (defective - image).abs().amax(0, keepdim=True)
            if (change * alpha).sum() > _STRIKING * alpha.sum():
                mask = change > VISIBLE
                return torch.where(mask, defective, image), mask
        raise UnseenError(
            f"the defect could not be seen on the image in {_REDRAWS} draws at severity "
            f"{severity:g}; raise the severity, or choose another defect for so even an image"
        )


DEFECTS: dict[str, Defect] = {
    "scratch": Composed(shapes.scratch((0.25, 0.7), (0.8, 3.2)), fillings.groove),
    "stain": Composed(shapes.blob((0.03, 0.13), 0.5, 0.25), fillings.pigment),
    "hole": Composed(shapes.blob((0.015, 0.075), 0.15, 0.2), fillings.cavity),
    "misplaced_patch": Composed(shapes.box((0.1, 0.3)), fillings.elsewhere),
    "thread": Composed(shapes.fibre((0.25, 0.9), (1.2, 3.4)), fillings.strand),
    "blur": Composed(shapes.blob((0.06, 0.16), 0.4, 0.2, stretch=2.5), fillings.defocus),
}
"""Name -> defect."""


def add_defect(
    image: Tensor,
    generator: Generator,
    name: str | None = None,
    severity: float | None = None,
    foreground: Tensor | None = None,
) -> tuple[Tensor, Tensor, str]:
    """Put one of ``DEFECTS`` on an image.

    Args:
        image: (3, H, W) float in [0, 1].
        generator: All the randomness.
        name: A key of ``DEFECTS``; drawn if None, among those that can be seen on the image.
        severity: In (0, 1]; drawn from [0.1, 1] if None.
        foreground: (1, H, W) bool, where the defect's centre must lie.

    Returns:
        image (3, H, W), mask (1, H, W) bool, name; see ``Defect``.

    Raises:
        UnseenError: the defect, or every one if none is given, cannot be seen on the image.
        ValueError: an unknown name or bad arguments.
    """
    if name is not None and name not in DEFECTS:
        raise ValueError(f"name must be one of {', '.join(DEFECTS)}, got {name!r}")
    if severity is None:
        severity = uniform(generator, 0.1, 1)
    _check(image, severity, foreground)
    names = list(DEFECTS)
    order = torch.randperm(len(names), generator=generator, device=generator.device).tolist()
    choice = [name] if name is not None else [names[i] for i in order]
    unseen: UnseenError | None = None
    for one in choice:
        try:
            return *DEFECTS[one](image, generator, severity, foreground), one
        except UnseenError as error:
            unseen = error
    raise UnseenError(f"name={name!r}: {unseen}") from unseen


def _check(image: Tensor, severity: float, foreground: Tensor | None) -> Tensor:
    if image.ndim != 3 or not image.is_floating_point() or min(image.shape[1:]) < 16:
        raise ValueError(
            f"image must be float (3, H, W) of at least 16 x 16 pixels, got {image.dtype} "
            f"{tuple(image.shape)}"
        )
    low, high = (float(v) for v in torch.aminmax(image.detach()))
    if not (low >= 0 and high <= 1):
        raise ValueError(f"image must be in [0, 1], got values in [{low:g}, {high:g}]")
    if not 0 < severity <= 1:
        raise ValueError(f"severity must be in (0, 1], got {severity}")
    if foreground is not None:
        if foreground.dtype != torch.bool or foreground.shape != (1, *image.shape[1:]):
            raise ValueError(
                f"foreground must be bool {(1, *image.shape[1:])}, got {foreground.dtype} "
                f"{tuple(foreground.shape)}"
            )
        if not foreground.any():
            raise ValueError("foreground is empty; leave it None to place defects anywhere")
    return image


def _centre(
    size: tuple[int, int], generator: Generator, foreground: Tensor | None
) -> tuple[float, float]:
    if foreground is None:
        return uniform(generator, 0.12, 0.88) * size[0], uniform(generator, 0.12, 0.88) * size[1]
    places = foreground[0].nonzero()
    y, x = places[int(uniform(generator, 0, len(places)))].tolist()
    return float(y), float(x)
