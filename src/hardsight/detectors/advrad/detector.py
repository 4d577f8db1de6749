"""AdvRAD / FreeRAD: one diffusion model detects anomalies and purifies attacks in one pass."""

from inspect import signature
from pathlib import Path
from typing import Any, Self

import torch
from torch import Generator, Tensor, nn

from hardsight.attacks import local_mean
from hardsight.augment import Augment
from hardsight.core.files import working_folder
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection, Progress, quiet
from hardsight.data import AnomalyData, Tiles
from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.candidates import Report
from hardsight.detectors.advrad.fitting import TrainingContext, fit_advrad
from hardsight.detectors.advrad.known_noise import KnownNoise, drawn
from hardsight.detectors.advrad.scoring import (
    SCALES,
    Average,
    Reference,
    aggregate,
    demand_scoring,
    inner_mean_filter,
    mean_filter,
    multiscale_error,
    normal_errors,
    relate,
)
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.saved import SavedDetector
from hardsight.diffusion import Denoiser, TiledDenoiser, arbitrary_shot, build_denoiser, one_shot
from hardsight.training import Settings


class AdvRAD(SavedDetector):
    """Reconstruct the image as a normal one, and score what changed (FreeRAD, Algorithms 2-4).

    Defaults are those of the preset ``advrad``; ``freerad-paper``, ``advrad-paper`` are papers'.

    Large pictures may be reconstructed in tiles, by a denoiser of the tiles' size that is trained
    on random crops. All the rest is the picture's: noise, errors, the filter, the score, and the
    reference, which stays that of each pixel of the part.

    Args:
        denoiser: configuration of the denoiser, e.g. ``{"name": "fast"}``; see
            ``hardsight.diffusion.DENOISERS``.
        image_size: height and width in pixels.
        k: diffusion step at which the image is reconstructed, 1-based.
        shots: denoising steps of a reconstruction: 1 is one-shot (Algorithm 2), k is full-shot
            (Algorithm 1), anything between evenly spaced (Algorithm 3).
        draws: noise draws averaged in one score.
        average: what the draws average: the "error" maps, or the "reconstruction" before its error.
        margin: contrast in [0, 1] that an error must exceed to count, see ``multiscale_error``.
        filter_size: side of the mean filter in pixels, odd.
        reference: what an error is compared with; see ``relate``.
        aggregation: "max" (Algorithm 4), "mean" or "top:F", the mean of a fraction F of the pixels.
        map_filter_size: side of a second mean filter, odd, of the map alone; 1: none (the papers).
        precision: of the denoiser, see ``hardsight.core.precision``.
        tile: side in pixels of the tiles that are reconstructed; None: whole images.
        overlap: of the tiles, see ``hardsight.data.Tiles``.
        fixed_noise: score each image on the same noise, see ``KnownNoise``: deterministically.
        seed: of the initial weights and the fixed noise.
    """

    bypass = ("denoiser", local_mean(9))
    later = (("tile", "tile"), ("overlap", "tile"), ("fixed_noise", "fixed_noise"))
    paper: str | None = "FreeRAD"
    random, categories, tileable = True, True, False
    map_mean: Tensor
    map_spread: Tensor
    report: Report | None = None
    """What was chosen on validation data, if ``fit`` selected."""

    def __init__(
        self,
        denoiser: dict[str, Any] | None = None,
        image_size: int = 256,
        k: int = 100,
        shots: int = 1,
        draws: int = 2,
        average: Average = "error",
        margin: float = 0.0,
        filter_size: int = 21,
        reference: Reference = "standardised",
        aggregation: str = "top:0.015",
        map_filter_size: int = 1,
        precision: Choice = "auto",
        tile: int | None = None,
        overlap: float = 0.25,
        fixed_noise: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.image_size, self.tile, self.precision = image_size, tile, precision
        self.tiles: Tiles | None = None
        if tile is not None:
            if image_size % max(SCALES):
                raise ValueError(f"image_size must be a multiple of 8, got {image_size}")
            self.tiles = Tiles((image_size, image_size), (tile, tile), overlap)
        self.denoiser = self._build(denoiser or {}, seed)
        self.known_noise = KnownNoise(image_size, seed) if fixed_noise else None
        self.random, self.noise_seed = not fixed_noise, seed
        self.register_buffer("map_mean", torch.zeros(1, 1, image_size, image_size))
        self.register_buffer("map_spread", torch.zeros(1, 1, image_size, image_size))
        self.configure(
            k=k,
            shots=shots,
            average=average,
            margin=margin,
            filter_size=filter_size,
            reference=reference,
            aggregation=aggregation,
            map_filter_size=map_filter_size,
            draws=draws,
        )

    def configure(
        self,
        *,
        k: int,
        average: Average,
        filter_size: int,
        reference: Reference,
        aggregation: str,
        margin: float = 0.0,
        shots: int = 1,
        map_filter_size: int = 1,
        draws: int | None = None,
    ) -> None:
        """Set how errors are scored, without retraining; ``fit_reference`` must follow.

        Raises:
            ValueError: a value out of its range.
        """
        draws = self.draws if draws is None else draws
        if not 1 <= shots <= k <= self.denoiser.schedule.T:
            raise ValueError(
                f"need 1 <= shots <= k <= {self.denoiser.schedule.T}, got shots={shots}, k={k}"
            )
        filters = filter_size, map_filter_size
        demand_scoring(draws, average, margin, filters, reference, aggregation)
        self.k, self.shots, self.average, self.margin = k, shots, average, margin
        self.filter_size, self.reference, self.aggregation = filter_size, reference, aggregation
        self.map_filter_size, self.draws = map_filter_size, draws
        self.exportable = shots == 1
        self._hub_mixin_config = self.settings | self.how  # what save_pretrained writes
        if self.known_noise:
            self.known_noise.draw(draws, shots)

    @property
    def how(self) -> dict[str, Any]:
        """The arguments of ``configure``, as they are."""
        return {name: getattr(self, name) for name in signature(self.configure).parameters}

    def rebuild(self, patch: int) -> None:
        """Start over with an untrained denoiser of another patch size.

        Raises:
            TypeError: the denoiser has no patches.
        """
        settings = self.settings
        denoiser = (settings["denoiser"] or {}) | {"patch": patch}
        self.denoiser = self._build(denoiser, settings["seed"]).to(self.device)
        self._hub_mixin_config = settings | {"denoiser": denoiser}

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Standard normal (B, draws, C, H, W), or (B, draws, shots, C, H, W) for several shots.

        None where the noise is fixed.
        """
        if self.known_noise:
            return None
        shape = (len(images), *drawn(self.draws, self.shots), *images.shape[1:])
        return torch.randn(shape, generator=generator, dtype=images.dtype, device=images.device)

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return one reconstruction per draw, unclamped (Algorithms 1-3).

        Shape:
            images (B, C, H, W) in [0, 1], noise as from ``sample_noise``, or None: the fixed one,
            or one drawn here -> (B, draws, C, H, W).
        """
        if noise is None:
            noise = self.known_noise(len(images)) if self.known_noise else self.sample_noise(images)
        assert noise is not None
        b, d = noise.shape[:2]
        if b != len(images):
            raise ValueError(f"noise is for {b} images, got {len(images)}")
        denoiser = TiledDenoiser(self.denoiser, self.tiles) if self.tiles else self.denoiser
        x = (2 * images - 1).repeat_interleave(d, dim=0)
        with autocast(self.precision, images.device):
            if self.shots == 1:
                r = one_shot(denoiser, x, self.k, noise.flatten(0, 1))
            else:
                steps = torch.linspace(1, self.k, self.shots).round().int().tolist()
                r = arbitrary_shot(denoiser, x, steps, noise.flatten(0, 1))
        return ((r.to(images.dtype) + 1) / 2).view(b, d, *images.shape[1:])

    def error_map(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """(B, 1, H, W) multi-scale error averaged over the draws, before the filter."""
        return self.compare(images, self.reconstruct(images, noise), self.average, self.margin)

    def compare(self, images: Tensor, r: Tensor, average: Average, margin: float) -> Tensor:
        """(B, 1, H, W) multi-scale error of reconstructions (B, draws, C, H, W), averaged."""
        if average == "reconstruction" or r.shape[1] == 1:
            return multiscale_error(images, r.mean(1), SCALES, margin)
        x = images.repeat_interleave(r.shape[1], dim=0)
        error = multiscale_error(x, r.flatten(0, 1), SCALES, margin)
        return error.view(*r.shape[:2], *error.shape[2:]).mean(1, keepdim=True)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (Algorithm 4), differentiably and deterministically given ``noise``.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; noise as from ``sample_noise``.
        """
        return self.detect(images, self.reconstruct(images, noise))

    def detect(self, images: Tensor, r: Tensor) -> Detection:
        """Score images (B, C, H, W) by their reconstructions (B, draws, C, H, W)."""
        return self.judge(self.compare(images, r, self.average, self.margin))

    def judge(self, errors: Tensor) -> Detection:
        """Score unfiltered error maps (B, 1, H, W), as ``configure`` says."""
        maps = mean_filter(errors, self.filter_size)
        maps = relate(maps, self.map_mean, self.map_spread, self.reference)
        score = aggregate(maps, self.aggregation)
        return Detection(score, inner_mean_filter(maps, self.map_filter_size))

    def fit(
        self,
        data: AnomalyData,
        training: Settings | None = None,
        selection: Selection | None = None,
        *,
        game: AdversarialTraining | None = None,
        start: str | Path | None = None,
        augment: Augment = "auto",
        false_alarms: float | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        progress: Progress = quiet,
    ) -> Self:
        """Train the denoiser, choose what is open, and calibrate the threshold.

        Only ``data.train`` and ``data.validation`` are used. With a selection, one half of the
        validation normals serves it and the other calibrates (see ``shares``). Of several
        categories (``together``) each is drawn equally often, and no reference is used.

        Args:
            data: at ``image_size`` pixels.
            training: how to train; None: the defaults. 0 steps keep the denoiser of ``start``.
            selection: what to choose among on validation data; None keeps the settings.
            game: how to go on against attacks after the training; None: not at all.
            start: folder of a saved AdvRAD, the denoiser of which is trained on; None: none.
            augment: how training images are changed, see ``AugmentationPolicy.of``.
            false_alarms: rate of the threshold; None: 1 %, or the lowest the normals support.
            folder: for checkpoints, logs and samples; None: a temporary one.
            resume: go on from the last checkpoint in ``folder``.
            progress: told of every step.

        Raises:
            KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
            ValueError: images of another size, or too few of them; ``start`` is another denoiser.
        """
        first = None if start is None else type(self).from_pretrained(start)
        with working_folder(folder) as place:
            how = training or Settings(), selection, game, first, augment, false_alarms
            fit_advrad(self, data, *how, place, resume, progress)
        return self

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """What is trained, and taken over from a start."""
        return (self.denoiser,)

    def refine(self, lesson: TrainingContext) -> None:
        """Train what else there is, once the scoring is chosen; a part of ``fit``."""

    def fit_reference(self, errors: Tensor) -> None:
        """Set mean and spread of the filtered errors of normal images (Algorithm 4, line 7).

        Args:
            errors: (N, 1, H, W) from ``error_maps`` on normal training images, N >= 2.
        """
        if len(errors) < 2:
            raise ValueError(f"a spread needs at least 2 normal images, got {len(errors)}")
        mean, spread = normal_errors(errors.to(self.map_mean), self.filter_size)
        self.map_mean.copy_(mean)
        self.map_spread.copy_(spread)

    def _build(self, denoiser: dict[str, Any], seed: int) -> Denoiser:
        """An untrained denoiser whose weights the seed alone decides."""
        size = self.image_size if self.tile is None else self.tile
        with seeded(seed):
            return build_denoiser({"name": "fast", "size": size} | denoiser)
