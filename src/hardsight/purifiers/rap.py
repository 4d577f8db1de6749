"""RAP: an adversarial attack as the forward process, and its reversal by an adapter."""

from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from hardsight.attacks import Ball, CrossEntropyObjective, frozen, value_and_gradient
from hardsight.classifiers import load_model, save_model
from hardsight.core.modules import in_mode
from hardsight.purifiers.adapter import Adapter
from hardsight.purifiers.base import Clamp, Purifier


class RAP(Purifier):
    """The reverse adversarial process in one step: x0 = f(x, T), without randomness.

    This is the primary form. It needs no label and no loop at test time; trained by Algorithm 3, it
    is the adversarial training of a feed-forward network in front of a frozen classifier.

    Args:
        adapter: f.
        clamp: see ``Clamp``; the paper's appendix has "hard" before the classifier.
    """

    def __init__(self, adapter: Adapter, clamp: Clamp = "off") -> None:
        super().__init__(clamp)
        self.adapter = adapter

    @property
    def settings(self) -> dict[str, Any]:
        """The network's."""
        return super().settings | {"adapter": self.adapter.config}

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Restore images (B, C, H, W) in [0, 1]; there is no noise."""
        return self.restore(images, self.adapter.length)

    def restore(self, images: Tensor, t: int | Tensor) -> Tensor:
        """Return f(x_t, t) on pixels."""
        found: Tensor = self.adapter(2 * images - 1, t)
        return self.limited((found + 1) / 2)


def adversarial_process(
    victim: nn.Module,
    images: Tensor,
    labels: Tensor,
    t: Tensor,
    ball: Ball,
    step_size: float,
    start: Tensor | None = None,
) -> Tensor:
    """RAP, Algorithm 1: each image attacked for its own number of steps, in one batched pass.

    The pass takes max(t) steps; in each, only the images that still have steps to go are computed.

    Args:
        victim: the *joint* model, adapter and classifier.
        images: (B, C, H, W) in [0, 1], the centres of the balls.
        labels: (B,) true classes: the attack maximises the cross-entropy.
        t: (B,) steps, from 0 on.
        ball: into which every step is projected.
        step_size: lambda, in the ball's norm.
        start: (B, C, H, W) where the attack begins, the image with zeta added; None: at the image.

    Returns:
        (B, C, H, W) x_t, detached.
    """
    if t.shape != labels.shape or bool((t < 0).any()):
        raise ValueError(f"t must be steps from 0 on, one an image, got {t.tolist()}")
    x = images.clone() if start is None else ball.project(start, images)
    objective = CrossEntropyObjective(victim, labels)
    with frozen(victim), in_mode("eval", victim):
        for step in range(int(t.max())):
            active = (t > step).nonzero().squeeze(1)
            part = x[active]
            _, gradient = value_and_gradient(objective.take(active), part)
            x[active] = ball.project(ball.ascend(part, gradient, step_size), images[active])
    return x.detach()


@torch.no_grad()
def reverse_process(
    purifier: RAP,
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    step_size: float,
    stride: int = 1,
) -> Tensor:
    """RAP, Algorithm 2: the reverse process in several steps, for comparison only.

    At each step the clean image is predicted and attacked again for the steps that are left. **It
    needs the labels**, which no defence has at test time, and no gradient passes through it: a
    figure measured with it is not a robust accuracy.

    Args:
        purifier: the adapter.
        classifier: behind it.
        images: (B, C, H, W) in [0, 1], taken for x_T.
        labels: (B,) true classes.
        ball, step_size: of the attack.
        stride: from T down, T / stride predictions; T is one step.

    Returns:
        (B, C, H, W) the last prediction.
    """
    length = purifier.adapter.length
    if stride < 1 or length % stride:
        raise ValueError(f"stride must divide T = {length}, got {stride}")
    joint = nn.Sequential(purifier, classifier)
    x = images
    for t in range(length, 0, -stride):
        clean = purifier.restore(x, t)
        centre = clean.clamp(0, 1)
        left = torch.full_like(labels, t - stride)
        x = adversarial_process(joint, centre, labels, left, ball, step_size)
    return clean


def random_start(ball: Ball, images: Tensor, radius: float, generator: Generator) -> Tensor:
    """RAP, Algorithm 1, lines 4-5: images with zeta ~ Uniform(-c, c) added; in L2 from a ball."""
    return type(ball)(radius).random_start(images, generator)


def save_adapter(purifier: RAP, folder: str | Path) -> Path:
    """Write a RAP's weights and settings, to be put in front of any classifier."""
    return save_model(purifier, {"adapter": purifier.adapter.config} | _outer(purifier), folder)


def load_adapter(folder: str | Path) -> RAP:
    """Return the RAP that ``save_adapter`` wrote, in eval mode.

    Raises:
        FileNotFoundError: none there.
        ValueError: a damaged file.
    """
    return load_model(folder, lambda c: RAP(Adapter(**c["adapter"]), clamp=c["clamp"]))


def _outer(purifier: RAP) -> dict[str, Any]:
    return {"clamp": purifier.clamp}
