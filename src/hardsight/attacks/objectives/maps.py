"""What an attacker of an anomaly map maximises: localisation turned inside out."""

import copy
import math
from collections.abc import Callable
from typing import Self

import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from hardsight.attacks.objectives.draws import (
    count_repeats,
    evaluate_draws,
    mean_over_draws,
    split_draws,
)
from hardsight.attacks.objectives.regions import coarse
from hardsight.core.batches import at_least_single
from hardsight.core.types import Detection, check_masks

MapLoss = Callable[[Tensor, Tensor, float], Tensor]
"""(logits (B, 1, H, W), masks (B, 1, H, W) bool, fraction of the attack done) -> (B,).

A logit above 0 calls its pixel anomalous; a mask is true where the pixel is."""


def margins(logits: Tensor, masks: Tensor) -> Tensor:
    """Return how far each pixel is on the wrong side, (B, N): positive once it is flipped."""
    return torch.where(masks, -logits, logits).flatten(1)


def class_means(values: Tensor, masks: Tensor) -> Tensor:
    """Return the mean (B,) of (B, N) over the normal pixels plus that over the anomalous ones.

    Of an image without the one or the other, the other's mean alone.
    """
    anomalous = masks.flatten(1)
    total = torch.zeros_like(values[:, 0])
    for chosen in (~anomalous, anomalous):
        total = total + (values * chosen).sum(1) / chosen.sum(1).clamp_min(1)
    return total


def bce(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Return the mean cross-entropy (B,) of the pixels."""
    return F.softplus(margins(logits, masks)).mean(1)


def masked_bce(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Return the cross-entropy (B,) of pixels not yet flipped (Croce et al., 2024, masked CE).

    A flipped pixel has no gradient and counts log 2, which is the most that another can reach: the
    value rises with every flip, so that an attack may be judged by it.
    """
    return F.softplus(margins(logits, masks).clamp_max(0)).mean(1)


def balanced_bce(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Return the masked cross-entropy (B,), both labels weighing the same (Croce et al., 2024).

    The masking is that of ``masked_bce``.
    """
    return class_means(F.softplus(margins(logits, masks).clamp_max(0)), masks)


def jensen_shannon(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Return the mean Jensen-Shannon divergence (B,) of prediction and truth, up to log 2 a pixel.

    Croce et al. (2024). With p the probability of the truth the divergence is
    log 2 + (p log p - (1 + p) log(1 + p)) / 2; its gradient fades on either side of the threshold,
    so a pixel flipped for good no longer draws the attack.
    """
    wrong = margins(logits, masks)
    p = torch.sigmoid(-wrong)
    entropy = -p * F.softplus(wrong) - (1 + p) * torch.log1p(p)
    return (math.log(2) + entropy / 2).mean(1)


def segpgd(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Weigh right pixels' cross-entropy by 1 - lambda, flipped ones' by lambda (Gu et al., 2022).

    lambda(t) = (t - 1) / (2 T), half the fraction done: first flip what is right, then keep flipped
    what is wrong; at the end both weigh the same.
    """
    wrong = margins(logits, masks)
    share = fraction / 2
    weight = torch.where(wrong.detach() > 0, share, 1 - share)
    return (weight * F.softplus(wrong)).mean(1)


def balanced(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Return the normal pixels' mean less the anomalous ones' (B,): no threshold, no scale."""
    return class_means(margins(logits, masks), masks)


def patches(size: int, loss: MapLoss = balanced) -> MapLoss:
    """Return ``loss`` over cells of ``size`` x ``size`` pixels (PatchGuard: flip all patches).

    A cell's logit is its mean, and it is anomalous if any of its pixels is.

    Raises:
        ValueError: a size below 1; at the call, a map that the cells do not tile.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, got {size}")

    def of_cells(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
        if any(side % size for side in logits.shape[-2:]):
            raise ValueError(
                f"maps of {tuple(logits.shape[-2:])} pixels are not tiled by patches of {size}; "
                "pass loss=patches(P) with a P that divides them"
            )
        cells = F.max_pool2d(masks.to(logits.dtype), size) > 0
        return loss(F.avg_pool2d(logits, size), cells, fraction)

    return of_cells


def flipped(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Add the shares (B,) of flipped pixels among normal and among anomalous ones: to judge by.

    It has no gradient: no attack can follow it.
    """
    return class_means((margins(logits, masks) > 0).to(logits.dtype), masks)


MAP_LOSSES: dict[str, MapLoss] = {
    "bce": bce,
    "balanced": balanced,
    "balanced-bce": balanced_bce,
    "masked-bce": masked_bce,
    "js": jensen_shannon,
    "segpgd": segpgd,
    "patches": patches(16),
}
"""Losses by name; all but "balanced" and "patches" need the map's threshold and scale."""

SCALE_FREE = ("balanced", "patches")


class MapObjective:
    """Raise the map on normal pixels, lower it on anomalous ones; per image, through everything.

    Args:
        detector: maps (images, noise) to a Detection; ``sample_noise`` gives its randomness.
        masks: (B, 1, H, W) booleans or 0 and 1 of the images the objective will see, in order;
            true = anomalous. Of a normal image it is empty.
        loss: a name of ``MAP_LOSSES`` or a function, see ``MapLoss``.
        draws: noise draws averaged, counted as in ``ScoreObjective``; the losses of the draws are
            averaged, not their maps.
        threshold: value of the map that divides normal from anomalous pixels, for example that of
            the detector's calibration.
        scale: logit (map - threshold) / scale; for example the spread of clean maps. Where neither
            is given, a loss that does without, or a function, sees the map itself.
        noise: fixed noise for every evaluation, known to the attacker; None draws it afresh.
        unit_gradients: average the evaluations' gradients at unit length, not as they are.
    """

    def __init__(
        self,
        detector: nn.Module,
        masks: ArrayLike | Tensor,
        loss: str | MapLoss = "bce",
        draws: int = 1,
        threshold: float | None = None,
        scale: float | None = None,
        noise: Tensor | None = None,
        unit_gradients: bool = False,
    ) -> None:
        if isinstance(loss, str):
            if loss not in MAP_LOSSES:
                raise ValueError(f"loss={loss!r} is not known; choose from {', '.join(MAP_LOSSES)}")
            if loss not in SCALE_FREE and (threshold is None or scale is None):
                raise ValueError(
                    f"loss={loss!r} needs probabilities: give threshold and scale of the map, "
                    f"or choose one of {', '.join(SCALE_FREE)}"
                )
        if scale is not None and not scale > 0:
            raise ValueError(f"scale must be > 0, got {scale}")
        self.model, self.masks, self.noise = detector, check_masks(masks), noise
        self.loss = MAP_LOSSES[loss] if isinstance(loss, str) else loss
        self.threshold = 0.0 if threshold is None else threshold
        self.scale = 1.0 if scale is None else scale
        self.fraction = 1.0
        self.unit_gradients = unit_gradients
        self.repeats = count_repeats(detector, draws, noise)

    def at(self, fraction: float) -> Self:
        """Return the objective for the moment when ``fraction`` of the steps are done."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction must be in [0, 1], got {fraction}")
        moment = copy.copy(self)
        moment.fraction = fraction
        return moment

    def parts(self, images: Tensor) -> list[tuple[float, Self]]:
        """Return this objective in passes of fewer draws each, and their shares."""
        return split_draws(self, self.model, images)

    def take(self, index: Tensor) -> Self:
        """Return the objective of the images that ``index``, (n,) integers or (B,) bool, picks."""
        part = copy.copy(self)
        part.masks = self.masks[index]
        part.noise = None if self.noise is None else self.noise[index]
        return part

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, C, H, W)."""
        logits, masks = self._evaluate(images, generator)
        return mean_over_draws(self.loss(logits, masks, self.fraction), len(images))

    def outputs(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the map on a coarse grid (B, K), its sign turned where a pixel is anomalous."""
        logits, masks = self._evaluate(images, generator)
        grid = coarse(torch.where(masks, -logits, logits))
        return mean_over_draws(grid, len(images))

    def _evaluate(self, images: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Return the logits of every draw, and their masks."""
        if len(images) != len(self.masks):
            raise ValueError(f"{len(images)} images but {len(self.masks)} masks")
        found: Detection = evaluate_draws(
            self.model, images, self.repeats, generator, self.noise, self.unit_gradients
        )
        maps = at_least_single(found.anomaly_map)  # a mean of half precision would rise by steps
        if maps.shape[1:] != self.masks.shape[1:]:
            raise ValueError(
                f"maps are {tuple(maps.shape[1:])} but masks {tuple(self.masks.shape[1:])}; "
                "resize the masks to the detector's maps"
            )
        masks = self.masks.to(maps.device).repeat_interleave(len(maps) // len(images), dim=0)
        return (maps - self.threshold) / self.scale, masks
