"""Around the fit of a memory bank: pretrained features of normal images, and the threshold."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Literal, Protocol, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from hardsight.backbones import Backbone
from hardsight.core.batches import batched
from hardsight.core.progress import Progress
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import Trainable, fit_calibrated
from hardsight.detectors.method import FitConfig
from hardsight.training import Settings

_BATCH = 8
FEATURES = "features"
"""Stage in which the features of the training images are taken."""


class BankFit(FitConfig):
    """Configure a fit that trains no network and chooses nothing: only the seed is drawn from."""

    trains: ClassVar[bool] = False
    training: Settings = Field(default_factory=lambda: Settings(steps=0))
    selection: None = None
    augment: Literal["none"] = "none"
    """Normal images are taken as they are."""

    @property
    def stages(self) -> Mapping[str, float | None]:
        """The features of the training images."""
        return {FEATURES: None}


class PatchEmbedder(Trainable, Protocol):
    """A detector in pretrained features, by what its fit needs of it."""

    backbone: Backbone

    def embed(self, images: Tensor) -> Tensor:
        """Return the vectors of the patches (B, P, D) of images."""


E = TypeVar("E", bound=PatchEmbedder)


def fit_on_features(
    detector: E,
    data: AnomalyData,
    config: FitConfig,
    work: Work,
    learn: Callable[[E, Tensor, OpenWork], None],
) -> Fitted[E]:
    """Give a copy of a detector its pretrained features, let it learn, and calibrate it.

    Only ``data.train`` and ``data.validation`` are used. See ``fit_calibrated``.

    Args:
        detector: left as it is.
        data: at the detector's size.
        config: how.
        work: where.
        learn: takes in (N, 3, H, W) uint8 normal images, in place.

    Raises:
        BackboneError: the pretrained weights cannot be had.
        ValueError: as ``fit_calibrated``.
    """

    def start(found: E, normals: Tensor, place: OpenWork) -> None:
        found.backbone = found.backbone.pretrained()
        with torch.no_grad():
            learn(found, normals, place)

    return fit_calibrated(detector, data, config, work, start)


def embedded(detector: PatchEmbedder, images: Tensor, progress: Progress) -> Iterator[Tensor]:
    """Yield the vectors of patches (b, P, D) of images (N, 3, H, W), batch by batch."""
    done = 0
    for batch in batched(images, _BATCH):
        yield detector.embed(detector.prepare(batch))
        done += len(batch)
        progress(FEATURES, done, len(images))
