"""Detectors that are saved and loaded: safetensors and JSON, never pickle."""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Self, cast

from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HFValidationError
from safetensors import SafetensorError
from safetensors.torch import load_model

from hardsight.core.disk import named_when_full
from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_object
from hardsight.core.modules import check_numbers
from hardsight.core.precision import Choice
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.card import model_card

CONFIG_FILE = "config.json"
CALIBRATION_FILE = "calibration.json"
WEIGHTS_FILE = "model.safetensors"


class SavedDetector(Detector, PyTorchModelHubMixin):
    """A detector whose constructor arguments and weights make it whole.

    ``save_pretrained`` writes ``model.safetensors``, ``config.json`` and, once calibrated,
    ``calibration.json``, and a card as ``README.md``; ``from_pretrained`` reads them.
    """

    precision: Choice = "fp32"
    """Precision of its networks, see ``hardsight.core.precision``."""

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, as ``config.json`` holds them."""
        return cast(dict[str, Any], self._hub_mixin_config or {})

    @classmethod
    def grouped(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings, as files and the command line have them, as the constructor's."""
        return dict(settings)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Return an unfitted detector from ``settings``."""
        return cls(**settings)

    def fitted_bytes(self, images: int) -> int:
        """Return the bytes that the detector takes once fitted to so many images."""
        tensors = chain(self.parameters(), self.buffers())
        return sum(x.numel() * x.element_size() for x in tensors)

    def _save_pretrained(self, save_directory: Path) -> None:
        with named_when_full(save_directory / WEIGHTS_FILE):
            super()._save_pretrained(save_directory)
        text = json.dumps(self.settings, sort_keys=True, indent=2)
        write_atomically(save_directory / CONFIG_FILE, text)
        if self.calibration is not None:
            self.calibration.write(save_directory / CALIBRATION_FILE)

    def generate_model_card(self, *_: Any, **facts: str) -> ModelCard:
        """Return the card that is saved beside the weights; see ``model_card``."""
        return model_card(self, facts)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **changed: Any,
    ) -> Self:
        """Load a detector from a folder or a hub's repository, in eval mode.

        Args:
            pretrained_model_name_or_path: the folder, or the repository.
            revision: of the repository; so are the next four, see ``hf_hub_download``.
            cache_dir: where its files are kept.
            force_download: fetch what is kept anew.
            local_files_only: fetch nothing.
            token: that it asks for.
            changed: settings that are other than saved.

        Raises:
            FileNotFoundError: no settings or weights there.
            ValueError: a file that is damaged, or weights of another architecture.
        """
        name = str(pretrained_model_name_or_path)

        def find(file: str) -> Path | None:
            if Path(name).is_dir():
                return Path(name) / file if (Path(name) / file).is_file() else None
            try:
                return Path(
                    hf_hub_download(
                        name,
                        file,
                        revision=revision,
                        cache_dir=cache_dir,
                        force_download=force_download,
                        local_files_only=local_files_only,
                        token=token,
                    )
                )
            except (EntryNotFoundError, HFValidationError):  # the latter: a path, and no folder
                return None

        def demanded(file: str) -> Path:
            found = find(file)
            if found is None:
                raise FileNotFoundError(f"{name} holds no {file}; fit and save a detector")
            return found

        weights = demanded(WEIGHTS_FILE)
        settings = read_object(demanded(CONFIG_FILE), "restore it, or fit again")
        try:
            detector = cls.from_settings(settings | changed)
        except TypeError as error:
            if unknown := [key for key in changed if f"'{key}'" in str(error)]:
                raise ValueError(
                    f"{unknown[0]}={changed[unknown[0]]!r} is no setting of {cls.__name__}; leave "
                    f"it out, or name one of {', '.join(sorted(settings))}"
                ) from error
            raise ValueError(
                f"{name} has settings that are none of {cls.__name__} ({error}); load it with "
                "the class that its README.md names"
            ) from error
        try:
            load_model(detector, weights)
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"{weights} cannot be loaded ({error}); fit again") from error
        check_numbers(detector, weights)
        calibration = find(CALIBRATION_FILE)
        if calibration is not None:
            detector.calibration = Calibration.read(calibration)
        return detector.eval()
