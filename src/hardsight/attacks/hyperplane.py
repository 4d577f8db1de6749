"""The nearest image on a hyperplane."""

import torch
from torch import Tensor

from hardsight.attacks.balls import L2, Ball, Linf
from hardsight.core.batches import per_image


def to_hyperplane(ball: Ball, x: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
    """Project onto {z in [0, 1]: value + <gradient, z - x> = 0} (Croce & Hein, 2020).

    The nearest point in the ball's norm; where the plane misses the box, the point of the box that
    comes nearest to the plane. Moving along the steepest direction u and stopping each coordinate
    at the box gives the nearest point in both norms; how far, t, is the root of the concave,
    piecewise linear sum_i |w_i| min(t |u_i|, room_i) = |value|, found exactly by Newton's method
    from the left, which only ever adds coordinates that have come to a stop.

    Args:
        ball: of which the norm is used, not the radius.
        x: (B, C, H, W) in [0, 1].
        value: (B,) of the linear function at x.
        gradient: (B, C, H, W) of the linear function.

    Raises:
        ValueError: a norm for which this is not the nearest point.
    """
    if not isinstance(ball, Linf | L2):
        raise ValueError(f"ball must be Linf or L2 for a minimal-norm attack, got {ball}")
    towards = -per_image(torch.sign(value), x) * gradient
    direction = ball.ascend(torch.zeros_like(x), towards, 1.0).flatten(1)
    flat, weight, goal = x.flatten(1), gradient.flatten(1).abs(), value.abs()
    room = torch.where(direction > 0, 1 - flat, flat)
    speed = direction.abs()
    gain, most = weight * speed, weight * room
    moving = gain > 0
    stopped = torch.zeros_like(moving)
    while True:
        rate = (gain * (moving & ~stopped)).sum(1)
        rest = (goal - (most * stopped).sum(1)).clamp_min(0)
        t = torch.where(rate > 0, rest / rate.clamp_min(torch.finfo(x.dtype).tiny), torch.inf)
        now = moving & (t[:, None] * speed >= room)
        if not bool((now & ~stopped).any()):
            break
        stopped |= now
    length = torch.where(stopped, room, t[:, None].nan_to_num(posinf=0.0) * speed)
    return (flat + direction.sign() * length).clamp(0, 1).view_as(x)
