"""What the algorithms of a fit need of a detector that scores reconstruction errors."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from hardsight.core.types import Detection
from hardsight.data import Decoding
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring
from hardsight.detectors.advrad.tiling import Tiling
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.inputs import Images
from hardsight.diffusion import Denoiser


@runtime_checkable
class ErrorDetector(Protocol):
    """AdvRAD and Bastion, as ``Detector`` and they themselves describe it."""

    image_size: int
    draws: int

    @property
    def device(self) -> torch.device: ...  # noqa: D102 (described there, as all that follows)

    @property
    def decoding(self) -> Decoding: ...  # noqa: D102

    @property
    def denoiser(self) -> Denoiser: ...  # noqa: D102

    @property
    def networks(self) -> Mapping[str, Denoiser | MapHead]: ...  # noqa: D102

    @property
    def scoring(self) -> Scoring: ...  # noqa: D102

    @property
    def statistics(self) -> ReferenceStatistics: ...  # noqa: D102

    @property
    def tiling(self) -> Tiling | None: ...  # noqa: D102

    @property
    def settings(self) -> dict[str, Any]: ...  # noqa: D102

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self: ...  # noqa: D102

    def with_scoring(  # noqa: D102
        self, scoring: Scoring, statistics: ReferenceStatistics | None = None
    ) -> Self: ...

    def __call__(self, images: Tensor, noise: Tensor | None = None) -> Detection: ...  # noqa: D102

    def sample_noise(  # noqa: D102
        self, images: Tensor, generator: Generator | None = None
    ) -> Tensor | None: ...

    def prepare(self, images: Tensor) -> Tensor: ...  # noqa: D102

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor: ...  # noqa: D102

    def error_map(self, images: Tensor, noise: Tensor | None = None) -> Tensor: ...  # noqa: D102

    def stream(  # noqa: D102
        self, images: Images, generator: Generator | None = None, batch_size: int = 8
    ) -> Iterator[Detection]: ...

    def with_calibration(self, calibration: Calibration | None) -> Self: ...  # noqa: D102

    def calibrate(self, normals: Images, level: float | None = None) -> Self: ...  # noqa: D102

    def demand_calibration(self) -> Calibration: ...  # noqa: D102

    def parameters(self) -> Iterator[nn.Parameter]: ...  # noqa: D102

    def eval(self) -> Any: ...  # noqa: D102

    def to(self, device: torch.device) -> Self: ...  # noqa: D102


E = TypeVar("E", bound=ErrorDetector)
