"""Two detectors side by side: one that withstands attacks, one that ranks best without any."""

from typing import Any, Self

import torch
from torch import Generator, Tensor

from hardsight.core.batches import at_once
from hardsight.core.modules import sharing
from hardsight.core.types import Detection
from hardsight.detectors.adapters.joined_noise import join, noise_shape, split
from hardsight.detectors.adapters.witness_calibration import Decisions, WitnessCalibration
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.inputs import Images, batches


class TwoWitnesses(Detector):
    """A robust detector decides what is a defect; a clean one beside it, what is inspected again.

    An image is a defect where the robust detector's score exceeds its conformal threshold, else
    suspicious where the clean detector's does, or where the two disagree beyond what they do on
    held-out normal images; see ``WitnessCalibration``. The score is the larger of both exceedances:
    above 0 an image is not good. The map is the robust detector's; ``score_only`` returns the two
    exceedances in its place, (B, 1, 1, 2), so that attacks have smooth surrogates of both.

    Args:
        robust: decides; scored on the same known noise as by itself.
        clean: stands beside.

    Raises:
        ValueError: images of two sizes.
        TypeError: noise that is not of floats.
    """

    tileable = False

    def __init__(self, robust: Detector, clean: Detector) -> None:
        super().__init__()
        if robust.size != clean.size:
            raise ValueError(
                f"both detectors must take images of one size, got {robust.size} and {clean.size}; "
                "fit one of them again with --size"
            )
        self.robust, self.clean = robust, clean
        self.witnesses = WitnessCalibration()
        self.image_size, self.noise_seed = robust.image_size, robust.noise_seed
        self.draws = max(robust.draws, clean.draws)
        self.has_maps, self._decoding = robust.has_maps, robust.decoding
        self.differentiable = robust.differentiable and clean.differentiable
        self._shapes = [noise_shape(d, d.size, d.device) for d in (robust, clean)]
        self.random = any(shape is not None for shape in self._shapes)

    @property
    def size(self) -> tuple[int, int]:
        """The size of both detectors."""
        return self.robust.size

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of both."""
        return {"robust": self.robust.settings, "clean": self.clean.settings}

    @property
    def device(self) -> torch.device:
        """Where the robust detector computes."""
        return self.robust.device

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Draw (B, L): the robust detector's noise, then the clean one's."""
        return join(*(d.sample_noise(images, generator) for d in (self.robust, self.clean)))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score (B, 3, H, W) by the larger exceedance, with ``noise`` as from ``sample_noise``."""
        scores, maps = self._scores_and_maps(images, noise)
        return Detection(self.witnesses.exceedances(scores).amax(1), maps)

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Return the score, with the two exceedances that it is the larger of as the map."""
        exceedances = self.exceedances(images, noise)
        return Detection(exceedances.amax(1), exceedances[:, None, None])

    def exceedances(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return (B, 2) of (B, 3, H, W), differentiably: above 0 a defect, above 0 suspicious."""
        return self.witnesses.exceedances(self.scores(images, noise))

    def scores(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the scores (B, 2) of the robust and of the clean detector."""
        both = zip((self.robust, self.clean), self._noises(images, noise), strict=True)
        return torch.stack([d.score_only(images, own).pred_score for d, own in both], dim=1)

    def calibrated(self, normals: Images, level: float | None = None) -> Self:
        """Return this detector with thresholds from normal images held out of both trainings.

        Of new normal images at most ``level`` are called defects, and at most so many suspicious.

        Args:
            normals: see ``Images``.
            level: None takes 1 %, or the lowest that so many images can support.

        Raises:
            ValueError: too few images for the level.
        """
        found = sharing(self)
        found.witnesses, level = WitnessCalibration.fit(self._all_scores(normals), level)
        found.calibration = Calibration(
            level=min(2 * level, 1.0),  # either may alarm
            threshold=0.0,
            map_threshold=self.robust.demand_calibration().map_threshold,
            normal_scores=tuple(sorted(max(pair) for pair in found.witnesses.normals)),
        ).decoded_as(self.decoding)
        return found

    def inspect(self, images: Images, batch_size: int = 8) -> Decisions:
        """Decide on images, on the known noise.

        Args:
            images: see ``Images``.
            batch_size: images scored at a time, or fewer large ones.

        Raises:
            ValueError: it is not ``calibrated``.
        """
        threshold = self.demand_calibration().threshold
        return self.witnesses.inspect(self._all_scores(images, batch_size), threshold)

    @torch.no_grad()
    def examine(self, images: Tensor) -> tuple[Decisions, Tensor]:
        """Decide on images (B, 3, H, W), on the known noise; return their maps (B, 1, H, W), too.

        Raises:
            ValueError: it is not ``calibrated``, or these are no such images.
        """
        threshold = self.demand_calibration().threshold
        x = self.prepare(images)
        scores, maps = self._scores_and_maps(x, self.decision_noise(x))
        return self.witnesses.inspect(scores.cpu(), threshold), maps.cpu()

    @torch.no_grad()
    def _all_scores(self, images: Images, batch_size: int = 8) -> Tensor:
        """Return the scores (N, 2) on the known noise, on the CPU."""
        parts = []
        for batch in batches(images, self.decoding, at_once(self.size, batch_size)):
            x = self.prepare(batch)
            parts.append(self.scores(x, self.decision_noise(x)).cpu())
        return torch.cat(parts)

    def _scores_and_maps(self, images: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the scores (B, 2) of both, and the maps of the robust one."""
        own, other = self._noises(images, noise)
        found = self.robust(images, own)
        beside = self.clean.score_only(images, other)
        return torch.stack((found.pred_score, beside.pred_score), dim=1), found.anomaly_map

    def _noises(self, images: Tensor, noise: Tensor | None) -> list[Tensor | None]:
        """Return the robust detector's noise and the clean one's."""
        return split(self.sample_noise(images) if noise is None else noise, self._shapes)
