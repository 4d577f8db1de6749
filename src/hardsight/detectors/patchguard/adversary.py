"""The adversaries of the training, and what goes with each."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from hardsight.attacks import Linf
from hardsight.detectors.patchguard.objective import PatchObjective
from hardsight.detectors.patchguard.recipe import Adversary


def attack_patches(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    adversary: Adversary,
    generator: torch.Generator,
) -> Tensor:
    """Attack a batch as "pgd" or "fast" say, in the adversary's mode.

    Args:
        network: images -> logits of patches.
        images: (B, 3, H, W) in [0, 1].
        labels: (B, 1, h, w) bool of the patches.
        adversary: how.
        generator: of a random start, on the images' device.

    Returns:
        (B, 3, H, W) in [0, 1], inside the ball, detached.
    """
    return adversary.perturb(network, PatchObjective(network, labels), images, generator)


def misalignment(
    network: nn.Module, images: Tensor, labels: Tensor, eps: float, generator: torch.Generator
) -> Tensor:
    """Return (B,) 1 - cosine of the gradients at the image and at random in its ball (GradAlign).

    Andriushchenko & Flammarion (2020), Eq. 5; the gradient at the image carries none itself. What
    keeps it small keeps one step as good as many.
    """
    objective = PatchObjective(network, labels)
    near = Linf(eps).random_start(images, generator)
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
        at_image = _gradient(objective, images, graph=False)
        in_ball = _gradient(objective, near, graph=True)
    return 1 - F.cosine_similarity(at_image.flatten(1), in_ball.flatten(1), dim=1, eps=1e-12)


def _gradient(objective: PatchObjective, images: Tensor, graph: bool) -> Tensor:
    x = images.detach().requires_grad_(True)
    (found,) = torch.autograd.grad(objective(x).sum(), x, create_graph=graph)
    return found


class FreePerturbation:
    """A perturbation that follows the gradient of the training loss itself (Shafahi et al., 2019).

    One backward pass serves the weights and, by its sign, the perturbation, which is carried over
    from batch to batch.

    Args:
        ball: the threat model.
    """

    def __init__(self, ball: Linf) -> None:
        self.ball = ball
        self.held: Tensor | None = None

    def perturb(self, images: Tensor) -> Tensor:
        """Return the perturbed images, which move the perturbation when they are gone back to."""
        if self.held is None or self.held.shape != images.shape:
            self.held = torch.zeros_like(images)
        x = self.ball.project(images + self.held.to(images), images).detach()
        x.requires_grad_(True)

        def follow(gradient: Tensor) -> None:
            moved = self.ball.ascend(x.detach(), gradient, self.ball.eps)
            self.held = self.ball.project(moved, images) - images

        x.register_hook(follow)  # type: ignore[no-untyped-call]
        return x
