"""Networks to start from: those of a saved AdvRAD or Bastion."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from hardsight.core.json_files import read_object
from hardsight.core.modules import seeded
from hardsight.core.starts import START, check_start, start_folder, ways_to_name
from hardsight.detectors.advrad.contract import E, ErrorDetector
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.advrad.settings import grouped
from hardsight.detectors.saved import CONFIG_FILE, WEIGHTS_FILE
from hardsight.diffusion import Denoiser, build_denoiser


@dataclass(frozen=True, eq=False)
class Start:
    """Settings and weights of a saved detector."""

    settings: Mapping[str, Any]
    weights: Mapping[str, Tensor]

    @classmethod
    def read(
        cls,
        folder: str | Path,
        asked: str = "start",
        names: Collection[str] = START,
    ) -> "Start":
        """Read the folder of a run or of a saved detector, or a bundled start by its name.

        Args:
            folder: where it is, or the name.
            asked: what the caller calls it, for messages.
            names: what may be named in place of a folder, for messages.

        Raises:
            ValueError: there is no saved AdvRAD or Bastion, or it is damaged.
        """
        check_start(folder, asked, names)
        place = start_folder(folder)
        try:
            settings = read_object(place / CONFIG_FILE, "restore it, or fit again")
            found = cls(settings, load_file(place / WEIGHTS_FILE))
        except (OSError, ValueError, SafetensorError) as error:
            raise ValueError(
                f"{asked}={str(folder)!r} holds no saved detector ({error}); "
                f"{ways_to_name(folder, names)}"
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
        own = {"name": "fast", "size": self._side} | (self.settings["denoiser"] or {})
        with seeded(0):
            return build_denoiser(own)

    def head(self) -> MapHead:
        """Return a head like the saved one, untrained; where none was saved, as by default."""
        with seeded(0):
            return MapHead(self._side, **self.settings.get("head") or {})

    @property
    def _side(self) -> int:
        """Side of the images, or tiles, that the networks see, in pixels."""
        values = grouped(self.settings)
        side: int = values["tiling"]["tile"] if values["tiling"] else values["image_size"]
        return side

    def trained(self, size: int) -> Denoiser:
        """Return the saved denoiser for images of ``size`` x ``size`` pixels, in eval mode."""
        found = build_denoiser(self.denoiser().config | {"size": size})
        self.load("denoiser", found)
        return found.eval()

    def load(self, name: str, network: nn.Module) -> None:
        """Load the weights of a network into one with the saved settings.

        Raises:
            ValueError: they are of a network with other settings than those saved beside them.
        """
        try:
            network.load_state_dict(self.part(name))
        except RuntimeError as error:
            first = str(error).splitlines()[1].strip()  # a mismatch for each tensor
            raise ValueError(
                f"the {name} of start is not the one that its own {CONFIG_FILE} describes "
                f"({first}); restore that file, or start from another run"
            ) from error


def with_patch_of(detector: E, start: Start) -> E:
    """Return a detector whose head has the patch of the start's, where its settings leave it open.

    Left open it follows the size of the images, and these may be others here.

    Args:
        detector: untrained; returned as it is where it has no head, or the start has none.
        start: where the head comes from.

    Raises:
        ValueError: the images cannot be folded by that patch.
    """
    head = detector.settings.get("head") or {}
    if "head" not in detector.networks or not start.part("head") or head.get("patch") is not None:
        return detector
    settings = detector.settings | {"head": head | {"patch": start.head().patch}}
    return type(detector).from_settings(settings).to(detector.device)


def take_over(detector: ErrorDetector, start: Start) -> None:
    """Load the networks of a start into a detector; one that the start lacks stays as it is.

    A network of images of another size serves: its weights do not depend on it, but what they
    learnt does, at so many pixels a millimetre.

    Raises:
        ValueError: the denoiser of the start, or its head, is another, or not that of its settings.
    """
    saved: Mapping[str, Callable[[], Denoiser | MapHead]]
    saved = {"denoiser": start.denoiser, "head": start.head}
    for name, network in detector.networks.items():
        if start.part(name):
            _demand_alike(name, network.config, saved[name]().config)
            start.load(name, network)


def _demand_alike(name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Refuse a network of a start with other settings than ours, but for the images' size."""
    known = sorted({*ours, *theirs} - {"size"})
    apart = [
        f"detector.{name}.{key}={theirs.get(key)} (here {ours.get(key)})"
        for key in known
        if ours.get(key) != theirs.get(key)
    ]
    if apart:
        raise ValueError(
            f"the {name} of start is another: it has {', '.join(apart)}; set what it has, start "
            "from another run, or from first weights with --start none"
        )
