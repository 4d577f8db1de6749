"""Where the object is, by what a classifier looks at (PatchGuard's foreground)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.backbones import BackboneError, PretrainedClassifier
from hardsight.core.extras import needed
from hardsight.synthesis.foreground import above_otsu
from hardsight.synthesis.recolouring import jitter
from hardsight.synthesis.warps import draw, elastic

_SIDE = 224
"""What the classifiers were trained at."""
NETWORKS = {
    "bundled": ("tf_efficientnet_lite0", "bundled"),
    "imagenet": ("resnet18.tv_in1k", "hub"),
}
"""What ``weights`` may be called -> name and source of the weights of a classifier."""

Change = Callable[[Tensor, Generator], Tensor]
"""(images (B, 3, H, W) in [0, 1], generator) -> the same shape and range."""


def _jittered(x: Tensor, generator: Generator) -> Tensor:
    amount = x.new_full((len(x),), 0.2)
    return jitter(x, amount, amount / 10, generator)


def _tinted(x: Tensor, generator: Generator) -> Tensor:
    return x.lerp(draw(generator, len(x), 3, 1, 1, like=x), 0.15)


def _grey(x: Tensor, generator: Generator) -> Tensor:
    return x.mean(1, keepdim=True).expand_as(x)


def _noisy(share: float) -> Change:
    def change(x: Tensor, generator: Generator) -> Tensor:
        noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x)
        return (x + share * noise).clamp(0, 1)

    return change


def _turned(x: Tensor, generator: Generator) -> Tensor:
    angle = (0.5 + draw(generator, len(x), like=x)) * torch.pi  # a quarter turn to three quarters
    c, s, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    theta = torch.stack((c, -s, zero, s, c, zero), 1).view(-1, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _cropped(x: Tensor, generator: Generator) -> Tensor:
    """Crop a random square of a quarter of the side, and enlarge it."""
    middle = (2 * draw(generator, len(x), 2, like=x) - 1) * 0.75
    quarter = torch.full_like(middle[:, 0], 0.25)
    zero = torch.zeros_like(quarter)
    theta = torch.stack((quarter, zero, middle[:, 1], zero, quarter, middle[:, 0]), 1)
    grid = F.affine_grid(theta.view(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def _bent(x: Tensor, generator: Generator) -> Tensor:
    extent = x.new_tensor([x.shape[-2:]]).expand(len(x), 2)
    return elastic(x, extent, x.new_full((len(x),), 400.0), generator)


SOFT: tuple[Change, ...] = (_jittered, _tinted, _grey, _noisy(0.02))
"""Changes that leave the content as it is (PatchGuard, section B)."""
HARD: tuple[Change, ...] = (_turned, _cropped, _bent, _noisy(0.5))
"""Changes that may destroy it."""


def activation_foreground(
    images: Tensor,
    weights: str | Path = "bundled",
    contrast: float = 0.5,
    seed: int = 0,
    batch_size: int = 16,
) -> Tensor:
    """Return where the object lies, by Grad-CAM of a classifier (Selvaraju et al., 2017).

    The paper names the network (a ResNet-18), Grad-CAM and the two sorts of augmentation, and no
    more. Assumed here: the class is the one the network gives the unchanged image; the layer is the
    last block; each map is scaled to [0, 1]; the maps of the soft changes and of the image are
    averaged, and ``contrast`` times the mean map of the hard changes, laid over the same place, is
    taken off: what lights up in a place whatever is shown there is the network's habit and no
    object. One Otsu threshold serves all images.

    Args:
        images: (N, 3, H, W) uint8 or float in [0, 1], normal images of one category.
        weights: "bundled": an EfficientNet-Lite0, no network needed; "imagenet": torchvision's
            ResNet-18, fetched once; or the path of a ResNet-18's state dict (.safetensors, or
            .pt / .pth without pickled code).
        contrast: weight of the hard changes, >= 0.
        seed: of the augmentations.
        batch_size: images explained at a time.

    Returns:
        (N, 1, H, W) bool; no image's mask is empty.

    Raises:
        ImportError: the extra ``gradcam`` is not installed.
        ValueError: weights that cannot be had or do not fit.
    """
    if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape:
        raise ValueError(f"images must be (N, 3, H, W), got {tuple(images.shape)}")
    if contrast < 0:
        raise ValueError(f"contrast must be >= 0, got {contrast}")
    network = imagenet_classifier(weights)
    generator = torch.Generator().manual_seed(seed)
    found = []
    for part in torch.split(images, batch_size):
        x = part.float() / 255 if part.dtype == torch.uint8 else part.float()
        x = F.interpolate(x, (_SIDE, _SIDE), mode="bilinear", antialias=True).clamp(0, 1)
        target = network(x).argmax(1)
        soft = torch.stack([class_activation(network, f(x, generator), target) for f in SOFT])
        hard = torch.stack([class_activation(network, f(x, generator), target) for f in HARD])
        plain = class_activation(network, x, target)
        mean = (plain + soft.sum(0)) / (1 + len(SOFT))
        found.append((mean - contrast * hard.mean(0)).clamp_min(0))
    maps = F.interpolate(torch.cat(found), images.shape[-2:], mode="bilinear", align_corners=False)
    masks = above_otsu(maps, 1e-6)
    masks[~masks.flatten(1).any(1)] = True
    return masks


def class_activation(network: PretrainedClassifier, x: Tensor, target: Tensor) -> Tensor:
    """Return Grad-CAM (B, 1, h, w) of classes ``target`` (B,) at the last block, in [0, 1]."""
    gradcam = attribution().LayerGradCam(network, network.last_block)
    maps = gradcam.attribute(x, target=target, relu_attributions=True)
    found: Tensor = maps.detach()
    return found / found.amax((2, 3), keepdim=True).clamp_min(torch.finfo(found.dtype).tiny)


def attribution() -> Any:
    """Return the module that has Grad-CAM.

    Raises:
        ImportError: the extra ``gradcam`` is not installed.
    """
    otherwise = "choose the foreground 'saliency' or 'all'"
    return needed("captum.attr", "'hardsight[gradcam]'", "Grad-CAM", otherwise)


def imagenet_classifier(weights: str | Path) -> PretrainedClassifier:
    """Return the classifier that ``activation_foreground`` explains.

    Raises:
        ValueError: its weights cannot be had or do not fit.
    """
    name, source = NETWORKS.get(str(weights), ("resnet18", str(weights)))
    try:
        return PretrainedClassifier(name, source)
    except BackboneError as error:
        raise ValueError(f"{error}; or choose the foreground 'saliency' or 'all'") from error
