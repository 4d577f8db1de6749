"""Contact sheets: many small pictures as one, to be looked at."""

import torch
import torch.nn.functional as F
from torch import Tensor


def sheet(*rows: Tensor, columns: int = 8, side: int = 96) -> Tensor:
    """Lay out pictures that belong together below each other, ``columns`` of them beside.

    Args:
        rows: each (N, 3, H, W) or (N, 1, H, W), uint8, bool, or float in [0, 1]; as many of each.
        columns: beside each other; what does not fill a line is black.
        side: of a picture in pixels.

    Returns:
        (3, h, w) float in [0, 1] on the CPU.
    """
    if not rows or len({len(r) for r in rows}) != 1 or len(rows[0]) == 0:
        raise ValueError(f"rows must hold equally many pictures, got {[len(r) for r in rows]}")
    lines = []
    for start in range(0, len(rows[0]), columns):
        for row in rows:
            part = row[start : start + columns].detach().cpu()
            x = part.float() / 255 if part.dtype == torch.uint8 else part.float()
            x = F.interpolate(x, (side, side), mode="area").clamp(0, 1).expand(-1, 3, -1, -1)
            blank = x.new_zeros(columns - len(x), 3, side, side)
            lines.append(torch.cat(tuple(torch.cat([x, blank])), dim=2))
    return torch.cat(lines, dim=1)


def foreground_sheet(images: Tensor, foreground: Tensor, count: int = 16) -> Tensor:
    """Show images evenly spread over the set above themselves with the background dimmed to red.

    Shape:
        images (N, 3, H, W) uint8 or float, foreground (N, 1, H, W) bool -> (3, h, w) in [0, 1].
    """
    index = torch.linspace(0, len(images) - 1, min(count, len(images))).round().long()
    x, where = images[index].float(), foreground[index]
    x = x / 255 if images.dtype == torch.uint8 else x
    red = torch.tensor([0.8, 0.0, 0.0], device=x.device).view(1, 3, 1, 1)
    return sheet(x, torch.where(where, x, 0.3 * x.mean(1, keepdim=True) + 0.5 * red))
