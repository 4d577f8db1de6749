"""The contract of every detector."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, cast

import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_model
from torch import Tensor, nn

from hardsight.detectors.calibration import Calibration
from hardsight.types import Detection, check_images

CALIBRATION_FILE = "calibration.json"
WEIGHTS_FILE = "model.safetensors"


class Detector(nn.Module, PyTorchModelHubMixin, ABC):
    """A deterministic, differentiable function of (images, noise).

    ``save_pretrained`` writes ``model.safetensors``, ``config.json`` and, once calibrated,
    ``calibration.json``; ``from_pretrained`` reads them. Nothing is pickled.
    """

    image_size: int
    """Height and width the detector takes, in pixels."""
    draws: int = 1
    """Noise draws averaged in one score."""
    calibration: Calibration | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, as ``config.json`` holds them."""
        return dict(cast(dict[str, Any], self._hub_mixin_config or {}))

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""
        return next(self.parameters()).device

    @abstractmethod
    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch, differentiably.

        Args:
            images: (B, C, H, W) in [0, 1].
            noise: what ``sample_noise`` returned for as many images; None draws it from torch's
                global generator.
        """

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw all the randomness of one forward pass; None for a deterministic detector."""
        return None

    def check(self, images: Tensor) -> Tensor:
        """Return ``images`` if this detector can score them, else say what is wrong."""
        check_images(images)
        if images.shape[1:] != (3, self.image_size, self.image_size):
            raise ValueError(
                f"images must have shape (B, 3, {self.image_size}, {self.image_size}) for this "
                f"detector, got {tuple(images.shape)}; read them with size={self.image_size}"
            )
        return images

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images, uint8 or float, on the device as ``forward`` takes them."""
        x = images.to(self.device)
        return self.check(x.float() / 255 if x.dtype == torch.uint8 else x)

    def predict(
        self, images: Tensor, generator: torch.Generator | None = None, batch_size: int = 8
    ) -> Detection:
        """Score images of any number without gradients, and label them once calibrated.

        Args:
            images: (N, 3, H, W) float in [0, 1], or uint8.
            generator: where the noise comes from.
            batch_size: images scored at a time.

        Returns:
            Detection on the CPU; labels and masks are None until calibrated.
        """
        parts = list(self.stream(images, generator, batch_size))
        score = torch.cat([p.pred_score for p in parts])
        maps = torch.cat([p.anomaly_map for p in parts])
        return self.label(Detection(score, maps))

    @torch.no_grad()
    def stream(
        self, images: Tensor, generator: torch.Generator | None = None, batch_size: int = 8
    ) -> Iterator[Detection]:
        """Yield the detections of ``predict`` batch by batch, unlabelled."""
        for batch in torch.split(images, batch_size):
            x = self.prepare(batch)
            found = self(x, self.sample_noise(x, generator))
            yield Detection(found.pred_score.cpu(), found.anomaly_map.cpu())

    def label(self, detection: Detection) -> Detection:
        """Fill in ``pred_label`` and ``pred_mask`` from the calibration, if there is one."""
        if self.calibration is None:
            return detection
        return detection._replace(
            pred_label=detection.pred_score > self.calibration.threshold,
            pred_mask=detection.anomaly_map > self.calibration.map_threshold,
        )

    def calibrate(
        self, normals: Tensor, level: float | None = None, generator: torch.Generator | None = None
    ) -> Calibration:
        """Set the threshold from normal images held out of everything else.

        Args:
            normals: (n, 3, H, W) float in [0, 1], or uint8.
            level: false-alarm rate; None takes 1 %, or the lowest that n images can support.

        Raises:
            ValueError: too few images for the level.
        """
        found = self.predict(normals, generator)
        self.calibration = Calibration.fit(
            found.pred_score.double().numpy(),
            found.anomaly_map.flatten(1).amax(1).double().numpy(),
            level,
        )
        return self.calibration

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        if self.calibration is not None:
            self.calibration.write(save_directory / CALIBRATION_FILE)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **settings: Any,
    ) -> Self:
        """Load weights and calibration from a folder or a hub's repository, in silence.

        Raises:
            FileNotFoundError: no weights there.
            ValueError: weights that are damaged, or of another architecture.
        """

        def find(name: str) -> Path | None:
            if Path(model_id).is_dir():
                return Path(model_id) / name if (Path(model_id) / name).is_file() else None
            try:
                return Path(
                    hf_hub_download(
                        model_id,
                        name,
                        revision=revision,
                        cache_dir=cache_dir,
                        force_download=force_download,
                        local_files_only=local_files_only,
                        token=token,
                    )
                )
            except EntryNotFoundError:
                return None

        weights = find(WEIGHTS_FILE)
        if weights is None:
            raise FileNotFoundError(f"{model_id} holds no {WEIGHTS_FILE}; fit and save a detector")
        detector = cls(**settings)
        try:
            load_model(detector, weights)
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"{weights} cannot be loaded ({error}); fit again") from error
        calibration = find(CALIBRATION_FILE)
        if calibration is not None:
            detector.calibration = Calibration.read(calibration)
        return detector.eval()
