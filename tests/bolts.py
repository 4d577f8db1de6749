"""Pictures of a bolt in any pose, on which the pose is known."""

import math

import torch
from torch import Tensor

ANGLES = [0.0, 0.4, 1.2, 1.6, 2.5, -0.9, -2.2, 3.1]
PLACES = [(0.0, 0.0), (0.1, -0.1), (-0.15, 0.05), (0.05, 0.15)]


def drawn(angle: float, centre: tuple[float, float], head: float = 0.22, size: int = 64) -> Tensor:
    """A dark bolt (1, 3, H, H) on a bright ground, with soft edges: a shank, and a head left."""
    line = (torch.arange(size, dtype=torch.float64) + 0.5) * 2 / size - 1
    x, y = line - centre[0], line[:, None] - centre[1]
    u = math.cos(angle) * x + math.sin(angle) * y
    v = -math.sin(angle) * x + math.cos(angle) * y
    shank = 1 - (u / 0.5) ** 2 - (v / 0.1) ** 2
    inside = torch.sigmoid(6 * shank)
    if head:
        inside = torch.maximum(
            inside, torch.sigmoid(6 * (1 - ((u + 0.4) / head) ** 2 - (v / head) ** 2))
        )
    return (0.8 - 0.6 * inside).expand(1, 3, size, size)
