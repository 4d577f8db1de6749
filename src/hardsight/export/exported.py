"""An exported detector: a graph and its settings in a folder, scored without torch's networks."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hardsight.core.precision import Choice, resolve
from hardsight.core.types import Detection
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.saved import CALIBRATION_FILE
from hardsight.export.config import ExportConfig
from hardsight.export.runtimes import RUNTIMES, Graph


class Exported(Detector):
    """The detector of a folder that ``hardsight export`` wrote, on the CPU.

    It scores as the detector did, for the same images and noise, and has no gradient: attack it by
    queries (suite "square"), or craft the attack on the run it comes from (suite "grey-box").

    Args:
        folder: with the graph, ``config.json`` and ``calibration.json``.
        precision: of what is not quantised; None: what the export was asked for.

    Raises:
        ImportError: the format's runtime is not installed.
        ValueError: no export, or a damaged one.
    """

    differentiable = False

    def __init__(self, folder: str | Path, precision: Choice | None = None) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.config = ExportConfig.read(self.folder)
        self.precision = resolve(precision or self.config.precision, self.device)
        self.image_size, self.draws = self.config.image_size, self.config.draws
        self.paper = self.config.paper
        self.random, self.noise_seed = self.config.noise is not None, self.config.noise_seed
        self._graph = Graph(self.folder.absolute(), self.config.format, self.precision)
        if (self.folder / CALIBRATION_FILE).is_file():
            self.calibration = Calibration.read(self.folder / CALIBRATION_FILE)

    @staticmethod
    def is_at(folder: str | Path) -> bool:
        """Tell whether a folder holds a graph."""
        return any((Path(folder) / r.file).is_file() for r in RUNTIMES.values())

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the export, with the hash of its weights."""
        own = {"precision": self.precision.name, "weights": self._graph.weights}
        return self.config.model_dump(mode="json") | own

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    def demand_calibration(self) -> Calibration:
        """Return the calibration that every decision needs.

        Raises:
            ValueError: the folder holds none.
        """
        if self.calibration is None:
            raise ValueError(
                f"{self.folder} holds no {CALIBRATION_FILE}, and without a threshold nothing can "
                "be decided; put it back, or export again with: hardsight export"
            )
        return self.calibration

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw standard normal (B, *noise), the very numbers the detector would draw; or None."""
        if self.config.noise is None:
            return None
        shape = (len(images), *self.config.noise)
        return torch.randn(shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch; without noise, fresh noise is drawn.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; noise as from ``sample_noise``.

        Raises:
            ValueError: a gradient is asked for, or noise of another shape.
        """
        if torch.is_grad_enabled() and images.requires_grad:
            raise ValueError(
                "an exported graph has no gradient; attack it by queries (suite square), or craft "
                "the attack on the run it was made of (suite grey-box, with that run as source)"
            )
        noise = self.sample_noise(images) if noise is None else noise
        given = [images]
        if noise is not None and self.config.noise is not None:
            if noise.shape != (len(images), *self.config.noise):
                raise ValueError(
                    f"noise must have shape {(len(images), *self.config.noise)}, "
                    f"got {tuple(noise.shape)}"
                )
            given.append(noise)
        arrays = tuple(x.detach().cpu().float().contiguous().numpy() for x in given)
        score, maps = (torch.from_numpy(a).to(images.dtype) for a in self._graph(arrays))
        return Detection(score, maps)
