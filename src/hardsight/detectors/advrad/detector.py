"""AdvRAD / FreeRAD: one diffusion model detects anomalies and purifies attacks in one pass."""

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Generator, Tensor

from hardsight.attacks import local_mean
from hardsight.core.modules import seeded
from hardsight.core.noise import check_noise
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.advrad.fitting import fit_advrad
from hardsight.detectors.advrad.known_noise import KnownNoise
from hardsight.detectors.advrad.maps import SCALES
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring
from hardsight.detectors.advrad.settings import arguments, flat, grouped
from hardsight.detectors.advrad.tiling import Tiling, shrunk, with_coarse
from hardsight.detectors.fitted import Work
from hardsight.detectors.saved import SavedDetector
from hardsight.diffusion import Denoiser, TiledDenoiser, arbitrary_shot, build_denoiser, one_shot


class AdvRAD(SavedDetector):
    """Reconstruct the image as a normal one, and score what changed (FreeRAD, Algorithms 2-4).

    The defaults are those of the preset ``advrad``; ``freerad-paper`` and ``advrad-paper`` hold the
    papers' values.

    Large pictures may be reconstructed in tiles, by a denoiser of the tiles' size that is trained
    on random crops. All the rest is the picture's: noise, errors, the filter, the score, and the
    reference, which stays that of each pixel of the part.

    Args:
        denoiser: configuration of the denoiser, e.g. ``{"name": "fast"}``; see
            ``hardsight.diffusion.DENOISERS``.
        image_size: height and width in pixels, a multiple of 8.
        scoring: from images and reconstructions to scores.
        precision: of the denoiser, see ``hardsight.core.precision``.
        tiling: of large pictures; None: whole images.
        fixed_noise: take the known noise of decisions for evaluations too: the detector is
            deterministic, and the noise is saved with its weights.
        seed: of the initial weights and the known noise.
    """

    bypass = ("denoiser", local_mean(9))
    paper = "FreeRAD"
    random, categories, exportable, tileable = True, True, True, False
    map_mean: Tensor
    map_spread: Tensor
    scoring: Scoring

    def __init__(
        self,
        denoiser: dict[str, Any] | None = None,
        image_size: int = 256,
        scoring: Scoring = Scoring(),  # noqa: B008 (frozen)
        precision: Choice = "auto",
        tiling: Tiling | None = None,
        fixed_noise: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if image_size % max(SCALES):
            raise ValueError(f"image_size must be a multiple of {max(SCALES)}, got {image_size}")
        self.image_size, self.precision, self.tiling = image_size, precision, tiling
        self.tiles = None if tiling is None else tiling.grid(image_size)
        self.random, self.noise_seed, self._denoiser_settings = not fixed_noise, seed, denoiser
        with seeded(seed):
            self.denoiser = build_denoiser(
                {"name": "fast", "size": tiling.tile if tiling else image_size} | (denoiser or {})
            )
        self.known_noise: KnownNoise | None = None
        statistics = ReferenceStatistics.none(image_size)
        self.register_buffer("map_mean", statistics.mean)
        self.register_buffer("map_spread", statistics.spread)
        self._score_by(scoring)

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, flat, as ``config.json`` holds them."""
        found = flat(
            self._denoiser_settings, self.image_size, self.scoring, self.precision, self.tiling
        )
        fixed = {} if self.random else {"fixed_noise": True}
        return found | fixed | {"seed": self.noise_seed}

    @classmethod
    def grouped(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings with flat ones in their groups."""
        return grouped(settings)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted detector from ``settings``."""
        return cls(**arguments(settings, Scoring()))

    @property
    def statistics(self) -> ReferenceStatistics:
        """The statistics of the errors of normal training images."""
        return ReferenceStatistics(self.map_mean, self.map_spread)

    @property
    def networks(self) -> Mapping[str, Denoiser]:
        """What is trained, by name."""
        return {"denoiser": self.denoiser}

    def with_scoring(self, scoring: Scoring, statistics: ReferenceStatistics | None = None) -> Self:
        """Return a detector that scores as told, with the same networks and no threshold.

        Args:
            scoring: how.
            statistics: of normal errors under this scoring, see ``error_maps``; None keeps those
                there are.

        Raises:
            ValueError: those there are do not belong to this scoring, or ``k`` is too large.
        """
        known = bool(self.map_mean.any())  # else it was not fitted, and there is nothing to keep
        if statistics is None and known and not scoring.refers_like(self.scoring):
            raise ValueError(
                f"reference={scoring.reference!r} compares errors with those of normal images, "
                "which k, shots, draws, average, margin and filter_size change; give their "
                "statistics: ReferenceStatistics.of(error_maps(...), scoring.filter_size)"
            )
        found = self.with_calibration(None)
        found._score_by(scoring)
        if statistics is not None:
            found.map_mean = statistics.mean.to(self.map_mean)
            found.map_spread = statistics.spread.to(self.map_spread)
        return found

    def _score_by(self, scoring: Scoring) -> None:
        """Set the scoring, and the known noise of its shape; for a detector that is being made."""
        if scoring.k > self.denoiser.schedule.T:
            raise ValueError(f"need k <= {self.denoiser.schedule.T}, got k={scoring.k}")
        self.scoring, self.draws, self.exportable = scoring, scoring.draws, scoring.steps == 1
        if not self.random:
            blank = torch.zeros(1, 3, self.image_size, self.image_size)
            drawn = self._draw(blank, Generator().manual_seed(self.noise_seed))
            if self.known_noise is None or self.known_noise.drawn.shape != drawn.shape:
                self.known_noise = KnownNoise(drawn.to(self.device))

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Draw (B, draws, C, H, W), or (B, draws, shots, C, H, W) for several shots: N(0, 1).

        None where the noise is fixed.
        """
        return self._draw(images, generator) if self.random else None

    def _draw(self, images: Tensor, generator: Generator | None) -> Tensor:
        steps = (self.scoring.steps,) if self.scoring.steps > 1 else ()
        shape = (len(images), self.scoring.draws, *steps, *images.shape[1:])
        return torch.randn(shape, generator=generator, dtype=images.dtype, device=images.device)

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return one reconstruction per draw, unclamped (Algorithms 1-3).

        Shape:
            images (B, C, H, W) in [0, 1], noise as from ``sample_noise``, or None: the fixed one,
            or one drawn here -> (B, draws, C, H, W).
        """
        if noise is None:
            noise = self.known_noise(len(images)) if self.known_noise else self._draw(images, None)
        b, d = check_noise(noise, images).shape[:2]
        denoiser = TiledDenoiser(self.denoiser, self.tiles) if self.tiles else self.denoiser
        x, noise = (2 * images - 1).repeat_interleave(d, dim=0), noise.flatten(0, 1)
        factor = self.tiling and self.tiling.shrinkage(self.image_size)
        with autocast(self.precision, images.device):
            r = self._denoised(denoiser, x, noise).to(images.dtype)
            if factor:  # means of so many draws from N(0, 1), times their root: N(0, 1) again
                noise = factor * shrunk(noise, factor)
                coarse = self._denoised(self.denoiser, shrunk(x, factor), noise)
                r = with_coarse(r, coarse.to(r), factor)
        return ((r + 1) / 2).view(b, d, *images.shape[1:])

    def _denoised(self, denoiser: Denoiser, x: Tensor, noise: Tensor) -> Tensor:
        """Return reconstructions of (B, C, H, W) in [-1, 1], in that unit, as the scoring says."""
        k, steps = self.scoring.k, self.scoring.steps
        if steps == 1:
            return one_shot(denoiser, x, k, noise)
        taken = torch.linspace(1, k, steps).round().int().tolist()
        return arbitrary_shot(denoiser, x, taken, noise)

    def error_map(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the multi-scale error (B, 1, H, W) averaged over the draws, before the filter."""
        return self.scoring.compare(images, self.reconstruct(images, noise))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (Algorithm 4), differentiably and deterministically given ``noise``.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; noise as from ``sample_noise``.
        """
        return self.scoring.detect(self.error_map(images, noise), self.statistics)

    def fit(
        self, data: AnomalyData, config: AdvRADFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_advrad``."""
        return fit_advrad(self, data, config or AdvRADFit(), work or Work()).detector
