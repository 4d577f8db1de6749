"""Bastion: a score from the error, and a map from a head that was attacked in its training."""

from collections.abc import Mapping
from typing import Any, Self

from torch import Generator, Tensor, nn

from hardsight.attacks import local_mean
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData, Tiles
from hardsight.detectors.advrad.bastion_fitting import fit_bastion
from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.advrad.maps import aggregate
from hardsight.detectors.advrad.recipe import BastionFit
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring
from hardsight.detectors.advrad.settings import arguments, grouped
from hardsight.detectors.advrad.tiling import Tiling
from hardsight.detectors.fitted import Work
from hardsight.detectors.mean_filter import inner_mean_filter
from hardsight.detectors.saved import SavedDetector
from hardsight.diffusion import Denoiser

SCORING = Scoring(margin=0.12, filter_size=9, aggregation="top:0.0015")
_OWN = "advrad."


class Bastion(SavedDetector):
    """An AdvRAD for the score, and a head for the map, trained against attacks on it.

    The score is that of the AdvRAD. The map are the logits of a small network that sees the image,
    its reconstruction and their error (``MapHead``), learned from attacked pseudo-anomalies
    (``MapHeadTraining``) once the scoring is chosen. In files the weights of the AdvRAD have the
    names that an AdvRAD by itself gives them.

    Args:
        denoiser, image_size, scoring, precision, tiling, fixed_noise: see ``AdvRAD``; the second
            filter of ``scoring`` is that of the head's map.
        head: configuration of the head, the arguments of ``MapHead`` but ``size``; a fit from a
            start takes its patch where none is given.
        seed: of the initial weights and the known noise.
    """

    bypass = ("advrad.denoiser", local_mean(9))
    random, categories, exportable, tileable = True, True, True, False

    def __init__(
        self,
        denoiser: dict[str, Any] | None = None,
        image_size: int = 256,
        scoring: Scoring = SCORING,
        precision: Choice = "auto",
        tiling: Tiling | None = None,
        head: dict[str, Any] | None = None,
        fixed_noise: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.advrad = AdvRAD(
            denoiser,
            image_size,
            scoring,
            precision=precision,
            tiling=tiling,
            fixed_noise=fixed_noise,
            seed=seed,
        )
        self.image_size, self.noise_seed, self._head_settings = image_size, seed, head
        with seeded(seed + 1):
            self.head = MapHead(tiling.tile if tiling else image_size, **head or {})
        self.random = self.advrad.random
        self._score_by(self.advrad)
        self.register_state_dict_post_hook(_named_as_in_files)  # type: ignore[no-untyped-call]

    def _score_by(self, advrad: AdvRAD) -> None:
        self.advrad, self.draws, self.exportable = advrad, advrad.draws, advrad.exportable

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, flat, as ``config.json`` holds them."""
        return self.advrad.settings | {"head": self._head_settings}

    @classmethod
    def grouped(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings with flat ones in their groups."""
        return grouped(settings)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted detector from ``settings``."""
        return cls(**arguments(settings, SCORING))

    @property
    def scoring(self) -> Scoring:
        """As of the AdvRAD inside."""
        return self.advrad.scoring

    @property
    def statistics(self) -> ReferenceStatistics:
        """As of the AdvRAD inside."""
        return self.advrad.statistics

    @property
    def denoiser(self) -> Denoiser:
        """As of the AdvRAD inside."""
        return self.advrad.denoiser

    @property
    def tiling(self) -> Tiling | None:
        """As of the AdvRAD inside."""
        return self.advrad.tiling

    @property
    def tiles(self) -> Tiles | None:
        """As of the AdvRAD inside."""
        return self.advrad.tiles

    @property
    def precision(self) -> Choice:
        """As of the AdvRAD inside."""
        return self.advrad.precision

    @precision.setter
    def precision(self, precision: Choice) -> None:
        self.advrad.precision = precision

    @property
    def networks(self) -> Mapping[str, Denoiser | MapHead]:
        """What is trained, by name."""
        return {"denoiser": self.denoiser, "head": self.head}

    def with_scoring(self, scoring: Scoring, statistics: ReferenceStatistics | None = None) -> Self:
        """Return a detector that scores as told, with the same networks; see ``AdvRAD``."""
        found = self.with_calibration(None)
        found._score_by(self.advrad.with_scoring(scoring, statistics))
        return found

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Draw the noise of the AdvRAD."""
        return self.advrad.sample_noise(images, generator)

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Reconstruct as the AdvRAD does."""
        return self.advrad.reconstruct(images, noise)

    def error_map(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the error (B, 1, H, W) of the AdvRAD, before the filter."""
        return self.advrad.error_map(images, noise)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score as the AdvRAD does, and map by the head, differentiably.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; noise as from ``sample_noise``.
        """
        r = self.reconstruct(images, noise)
        related = self.scoring.related(self.scoring.compare(images, r), self.statistics)
        with autocast(self.precision, images.device):
            logits = self.head.maps(images, r.mean(1), self.tiles)
        maps = inner_mean_filter(logits, self.scoring.map_filter_size)
        return Detection(aggregate(related, self.scoring.aggregation), maps)

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score as the AdvRAD does, with its map of the error; the head is not asked."""
        return self.advrad.score_only(images, noise)

    def fit(
        self, data: AnomalyData, config: BastionFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_bastion``."""
        return fit_bastion(self, data, config or BastionFit(), work or Work()).detector

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *rest: Any, **named: Any
    ) -> None:
        """Give weights of the AdvRAD their names here, and load."""
        heads = f"{prefix}head."
        for name in [n for n in state_dict if n.startswith(prefix) and not n.startswith(heads)]:
            state_dict[f"{prefix}{_OWN}{name.removeprefix(prefix)}"] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)


def _named_as_in_files(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    """Give weights of the AdvRAD the names that an AdvRAD by itself has."""
    for name in [n for n in state if n.startswith(prefix + _OWN)]:
        state[prefix + name.removeprefix(prefix + _OWN)] = state.pop(name)
