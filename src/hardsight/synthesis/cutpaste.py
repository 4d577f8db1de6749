"""Cut, distort, paste: pseudo-anomalies made of an image's own parts, a whole batch at once."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.core.precision import without_autocast
from hardsight.synthesis.defects import add_defect
from hardsight.synthesis.distortions import LEVELS, Level, distort
from hardsight.synthesis.foreground import widened
from hardsight.synthesis.warps import draw


class Rectangles(NamedTuple):
    """Where to cut and where to paste, (B,) long each, in pixels."""

    y_from: Tensor
    x_from: Tensor
    y_to: Tensor
    x_to: Tensor
    height: Tensor
    width: Tensor


@dataclass(frozen=True)
class CutPaste:
    """Make images anomalous by a distorted, turned part of their own (PatchGuard, section B).

    A rectangle inside the foreground is cut out, distorted, turned by up to ``angle`` degrees,
    squeezed into its own size again and pasted, hard-edged, elsewhere in the foreground. What is
    pasted is the mask: a turned rectangle.

    Args:
        smallest: shortest side of a rectangle as a fraction of the image's side.
        tries: rectangles drawn for each image; where none fits, a square of the smallest side.
        canvas: side of what a patch is distorted on as a fraction of the image's side, rounded up
            to a multiple of 16 pixels; a larger patch is shrunk to it.
        angle: largest turn in degrees.
        defects: share of the images that get a synthetic defect instead (``add_defect``).
        levels: of the distortions.
    """

    smallest: float = 14 / 224
    tries: int = 128
    canvas: float = 3 / 7
    angle: float = 90.0
    defects: float = 0.0
    levels: tuple[Level, ...] = LEVELS

    def __post_init__(self) -> None:
        if not 0 < self.smallest < 1 or self.tries < 1 or not 0 < self.canvas <= 1:
            raise ValueError(
                "need 0 < smallest < 1, tries >= 1 and 0 < canvas <= 1, "
                f"got {self.smallest}, {self.tries} and {self.canvas}"
            )
        if not 0 <= self.defects <= 1 or not 0 <= self.angle <= 180:
            raise ValueError(
                f"need 0 <= defects <= 1 and 0 <= angle <= 180, got {self.defects}, {self.angle}"
            )

    @torch.no_grad()
    def __call__(
        self, images: Tensor, foreground: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Make every image of a batch anomalous.

        Args:
            images: (B, 3, H, W) float in [0, 1], at least 16 pixels a side.
            foreground: (B, 1, H, W) bool, where to cut and paste; empty counts as everywhere.
            generator: all the randomness, on any device.

        Returns:
            images (B, 3, H, W) in [0, 1] and masks (B, 1, H, W) bool, none empty.

        Raises:
            ValueError: other images, or a foreground that is not theirs.
        """
        if images.shape[1:2] != (3,) or not images.is_floating_point():
            raise ValueError(
                f"images must be float (B, 3, H, W), got {images.dtype} {tuple(images.shape)}"
            )
        if foreground.dtype != torch.bool or foreground.shape != images[:, :1].shape:
            raise ValueError(
                f"foreground must be bool {tuple(images[:, :1].shape)}, got {foreground.dtype} "
                f"{tuple(foreground.shape)}"
            )
        where = self.rectangles(foreground, generator)
        side = 16 * math.ceil(self.canvas * min(images.shape[-2:]) / 16)
        patches, scale, offset = _cut(images, where, side)
        extent = torch.stack((where.height, where.width), 1) / scale[:, None]
        patches = distort(patches, extent, generator, self.levels)
        angle = torch.deg2rad(self.angle * (2 * draw(generator, len(images), like=images) - 1))
        anomalous, masks = _paste(images, patches, where, scale, offset, angle)
        if self.defects:
            drawn = torch.rand(len(images), generator=generator, device=generator.device)
            for i in (drawn < self.defects).nonzero()[:, 0].tolist():
                place = foreground[i] if bool(foreground[i].any()) else None
                anomalous[i], masks[i], _ = add_defect(images[i], generator, foreground=place)
        return anomalous, masks

    def some(
        self, images: Tensor, foreground: Tensor, which: Tensor, generator: Generator
    ) -> Tensor:
        """Return images of which those that ``which``, (B,) bool, picks are anomalous; see a call.

        In the images' own precision: autocast is off meanwhile.
        """
        shown = images.clone()
        if bool(which.any()):
            with without_autocast(images.device):
                shown[which], _ = self(images[which], foreground[which], generator)
        return shown

    def rectangles(self, foreground: Tensor, generator: Generator) -> Rectangles:
        """Draw rectangles that lie in the foreground where they are cut and where they are pasted.

        Corners are uniform over the foreground's pixels, sides uniform up to the shorter of the
        two runs of foreground to the right and down; of ``tries`` draws the first that fits.
        """
        b, _, height, width = foreground.shape
        inside = foreground[:, 0] | ~foreground.flatten(1).any(1)[:, None, None]
        least = max(1, round(self.smallest * min(height, width)))
        u = draw(generator, 4, b, self.tries, like=torch.empty(0, device=foreground.device))
        ranks = inside.flatten(1).cumsum(1, dtype=torch.int32)
        place = [
            torch.searchsorted(ranks, (v * ranks[:, -1:]).int() + 1).clamp_max(height * width - 1)
            for v in u[:2]
        ]
        (y1, x1), (y2, x2) = ((p // width, p % width) for p in place)
        right, down = _runs(inside, 2), _runs(inside, 1)
        widest = torch.minimum(*(right.flatten(1).gather(1, p) for p in place))
        highest = torch.minimum(*(down.flatten(1).gather(1, p) for p in place))
        w, h = ((v * (n + 1)).long() for v, n in zip(u[2:], (widest, highest), strict=True))
        total = F.pad(inside.long().cumsum(1).cumsum(2), (1, 0, 1, 0))
        fits = (w >= least) & (h >= least)
        for y, x in ((y1, x1), (y2, x2)):
            fits &= _area(total, y, x, h, w) == h * w
        first = fits.int().argmax(1, keepdim=True)
        y1, x1, y2, x2, h, w, fits = (
            v.gather(1, first)[:, 0] for v in (y1, x1, y2, x2, h, w, fits)
        )
        h, w = torch.where(fits, h, least), torch.where(fits, w, least)
        y1, y2 = (torch.minimum(y, height - h) for y in (y1, y2))
        x1, x2 = (torch.minimum(x, width - w) for x in (x1, x2))
        return Rectangles(y1, x1, y2, x2, h, w)


def dilated(foreground: Tensor, share: float = 10 / 224) -> Tensor:
    """Widen (N, 1, H, W) bool by a fraction of the side, so that defects reach over the edge."""
    reach = round(share * min(foreground.shape[-2:]))
    return widened(foreground, reach) if reach else foreground


def _runs(inside: Tensor, dim: int) -> Tensor:
    """Count (B, H, W) how many pixels from each one on, along ``dim``, are true without a gap."""
    length = inside.shape[dim]
    shape = [1, 1, 1]
    shape[dim] = length
    index = torch.arange(length, device=inside.device, dtype=torch.int32).view(shape)
    stop = (
        torch.where(inside, torch.full_like(index, length), index)
        .flip(dim)
        .cummin(dim)
        .values.flip(dim)
    )
    return stop - index


def _area(total: Tensor, y: Tensor, x: Tensor, h: Tensor, w: Tensor) -> Tensor:
    """Count pixels inside rectangles (B, T), from the integral image (B, H + 1, W + 1)."""
    side = total.shape[-1]
    y2, x2 = ((a + s).clamp_max(n - 1) for a, s, n in ((y, h, total.shape[1]), (x, w, side)))
    flat = total.flatten(1)
    corner = [flat.gather(1, a * side + b) for a, b in ((y2, x2), (y, x2), (y2, x), (y, x))]
    return corner[0] - corner[1] - corner[2] + corner[3]


def _cut(images: Tensor, where: Rectangles, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return patches (B, 3, side, side), pixels of the image in one of theirs (B,), and offsets.

    A patch that is not shrunk is copied pixel by pixel; its middle lies ``offset`` (B, 2) pixels
    off that of the canvas.
    """
    height, width = images.shape[-2:]
    scale = (torch.maximum(where.height, where.width) / side).clamp_min(1).to(images)
    corner = torch.stack((where.y_from, where.x_from), 1).to(images)
    middle = corner + (torch.stack((where.height, where.width), 1) - 1) / 2
    anchor = torch.where(scale[:, None] > 1, middle, middle.floor() + (side - 1) / 2 % 1)
    steps = torch.arange(side, device=images.device, dtype=images.dtype) - (side - 1) / 2
    y, x = (anchor[:, k, None] + scale[:, None] * steps for k in (0, 1))
    y, x = (2 * y + 1) / height - 1, (2 * x + 1) / width - 1
    grid = torch.stack((x[:, None].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)), -1)
    patches = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return patches, scale, (middle - anchor) / scale[:, None]


def _paste(
    images: Tensor,
    patches: Tensor,
    where: Rectangles,
    scale: Tensor,
    offset: Tensor,
    angle: Tensor,
) -> tuple[Tensor, Tensor]:
    """Turn the patches, squeeze what they then cover into their own size, and lay them on."""
    height, width = images.shape[-2:]
    side = patches.shape[-1]

    def column(v: Tensor) -> Tensor:
        return v.to(images).view(-1, 1, 1)

    h, w, c, s = column(where.height), column(where.width), column(angle.cos()), column(angle.sin())
    y = torch.arange(height, device=images.device, dtype=images.dtype).view(1, -1, 1)
    x = torch.arange(width, device=images.device, dtype=images.dtype).view(1, 1, -1)
    v = y - column(where.y_to) - (h - 1) / 2  # from the middle of the place
    u = x - column(where.x_to) - (w - 1) / 2
    inside = (v.abs() < h / 2) & (u.abs() < w / 2)
    v, u = v * (w * s.abs() + h * c.abs()) / h, u * (w * c.abs() + h * s.abs()) / w
    row, col = v * c - u * s, u * c + v * s
    inside &= (row.abs() <= h / 2) & (col.abs() <= w / 2)
    row, col = (
        (a / column(scale) + column(offset[:, k])) * (2 / side) for k, a in enumerate((row, col))
    )
    grid = torch.stack((col, row), -1)
    laid = F.grid_sample(patches, grid, padding_mode="border", align_corners=False)
    masks = inside[:, None]
    return torch.where(masks, laid, images), masks
