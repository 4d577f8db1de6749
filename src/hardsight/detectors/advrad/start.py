"""Networks to start from: those of a saved AdvRAD or Bastion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hardsight.core.json_files import read_object
from hardsight.core.modules import seeded
from hardsight.core.suggestions import choices
from hardsight.data.files import near_names
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.settings import grouped
from hardsight.detectors.saved import CONFIG_FILE, WEIGHTS_FILE
from hardsight.diffusion import Denoiser, build_denoiser

BUNDLED = {"photographs": Path(__file__).parent / "starts" / "photographs"}
"""Name -> folder of a start that comes with hardsight; a card in it says what it was trained on."""


def start_folder(start: str | Path) -> Path:
    """Return the folder of a start, which may be the name of a bundled one."""
    return BUNDLED.get(str(start), Path(start))


@dataclass(frozen=True, eq=False)
class Start:
    """Settings and weights of a saved detector."""

    settings: Mapping[str, Any]
    weights: Mapping[str, Tensor]

    @classmethod
    def read(cls, folder: str | Path, asked: str = "start") -> "Start":
        """Read the folder of a run or of a saved detector, or a bundled start by its name.

        Args:
            folder: where it is, or the name.
            asked: what the caller calls it, for messages.

        Raises:
            ValueError: there is no saved AdvRAD or Bastion, or it is damaged.
        """
        place = start_folder(folder)
        ways = (
            "name the folder of a finished run, or of save_pretrained, of an AdvRAD or a Bastion, "
            f"or {choices(str(folder), BUNDLED)}"
        )
        if not place.exists():
            raise ValueError(f"{asked}={str(folder)!r} does not exist{near_names(place, ways)}")
        try:
            settings = read_object(place / CONFIG_FILE, "restore it, or fit again")
            found = cls(settings, load_file(place / WEIGHTS_FILE))
        except (OSError, ValueError, SafetensorError) as error:
            raise ValueError(
                f"{asked}={str(folder)!r} holds no saved detector ({error}); {ways}"
            ) from error
        if not found.part("denoiser"):
            raise ValueError(
                f"{asked}={str(folder)!r} holds a detector without a denoiser; name one of method "
                "advrad or bastion"
            )
        return found

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the weights of a network, by their names in it; empty where there is none."""
        own = f"{name}."
        return {n.removeprefix(own): w for n, w in self.weights.items() if n.startswith(own)}

    def denoiser(self) -> Denoiser:
        """Return a denoiser like the saved one, untrained."""
        values = grouped(self.settings)
        side = values["tiling"]["tile"] if values["tiling"] else values["image_size"]
        with seeded(0):
            return build_denoiser({"name": "fast", "size": side} | (values["denoiser"] or {}))

    def trained(self, size: int) -> Denoiser:
        """Return the saved denoiser for images of ``size`` x ``size`` pixels, in eval mode."""
        found = build_denoiser(self.denoiser().config | {"size": size})
        found.load_state_dict(self.part("denoiser"))
        return found.eval()


def take_over(detector: ErrorDetector, start: Start) -> None:
    """Load the networks of a start into a detector; one that the start lacks stays as it is.

    A denoiser of images of another size serves: its weights do not depend on it, but what they
    learnt does, at so many pixels a millimetre.

    Raises:
        ValueError: the denoiser of the start, or its head, is another.
    """
    ours, theirs = detector.denoiser.config, start.denoiser().config
    apart = [k for k in sorted((ours | theirs).keys() - {"size"}) if ours.get(k) != theirs.get(k)]
    if apart:
        said = ", ".join(f"{k} {theirs.get(k)} (here {ours.get(k)})" for k in apart)
        raise ValueError(
            f"the denoiser of start is another: it has {said}; give "
            "detector.denoiser its settings, start from another run, or from first weights with "
            "--start none"
        )
    for name, network in detector.networks.items():
        weights = start.part(name)
        if not weights:
            continue
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()  # a mismatch for each tensor
            raise ValueError(
                f"the {name} of start is another ({first}); give detector.{name} its settings, or "
                "start from another run"
            ) from error
