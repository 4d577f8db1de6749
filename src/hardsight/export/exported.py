"""An exported detector: a graph and its settings in a folder, scored without torch's networks."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hardsight.core.files import write_atomically
from hardsight.core.types import Detection
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.saved import CALIBRATION_FILE
from hardsight.export.runtimes import RUNTIMES, Hint

CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class ExportConfig:
    """What an exported folder's ``config.json`` holds."""

    format: str
    """The runtime's name, of ``RUNTIMES``."""
    method: str
    """Name of the detector's class."""
    opset: int
    """Of the ONNX operators the graph was traced to."""
    image_size: int
    """Height and width in pixels."""
    noise: tuple[int, ...] | None
    """Shape of the standard normal noise of one image; None: the graph takes none."""
    draws: int
    """Noise draws that the graph averages."""
    paper: str | None
    """Where the method was published."""
    int8: bool
    """Whether the graph is quantised."""
    precision: Hint
    """What OpenVINO is told about the rest."""
    detector: dict[str, Any]
    """The detector's settings."""

    def write(self, folder: Path) -> None:
        """Write ``config.json``."""
        write_atomically(folder / CONFIG_FILE, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "ExportConfig":
        """Read what ``write`` wrote.

        Raises:
            ValueError: there is none, or it is damaged.
        """
        path = folder / CONFIG_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values["noise"] = values["noise"] and tuple(values["noise"])
            found = cls(**values)
        except (OSError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder} holds no whole export ({error}); make it with: hardsight export"
            ) from error
        if found.format not in RUNTIMES:
            raise ValueError(
                f"{path}: format={found.format!r} is none of {', '.join(RUNTIMES)}; export again"
            )
        return found


class Exported(Detector):
    """The detector of a folder that ``hardsight export`` wrote, on the CPU.

    It scores as the detector did, for the same images and noise, and has no gradient: attack it by
    queries (suite "square"), or craft the attack on the run it comes from (suite "grey-box").

    Args:
        folder: with the graph, ``config.json`` and ``calibration.json``.
        precision: what OpenVINO is told; None: what the export was asked for.

    Raises:
        ImportError: the format's runtime is not installed.
        ValueError: no export, or a damaged one.
    """

    differentiable = False

    def __init__(self, folder: str | Path, precision: Hint | None = None) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.config = ExportConfig.read(self.folder)
        self.precision = precision or self.config.precision
        self.image_size, self.draws = self.config.image_size, self.config.draws
        self.paper = self.config.paper
        self.random = self.config.noise is not None
        self.noise_seed = int(self.config.detector.get("seed", 0))
        name, load = RUNTIMES[self.config.format]
        if not (self.folder / name).is_file():
            raise ValueError(f"{self.folder} holds no {name}; export again")
        self._run = load(self.folder / name, self.precision)
        weights = self.folder / name if name.endswith(".onnx") else self.folder / "model.bin"
        self._weights = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
        if (self.folder / CALIBRATION_FILE).is_file():
            self.calibration = Calibration.read(self.folder / CALIBRATION_FILE)

    @staticmethod
    def is_at(folder: str | Path) -> bool:
        """Whether a folder holds a graph."""
        return any((Path(folder) / name).is_file() for name, _ in RUNTIMES.values())

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the export, with the hash of its weights."""
        return asdict(self.config) | {"precision": self.precision, "weights": self._weights}

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Standard normal (B, *noise), the very numbers the detector would draw; or None."""
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
        score, maps = (torch.from_numpy(a).to(images.dtype) for a in self._run(arrays))
        return Detection(score, maps)
