"""Where the weights of a backbone come from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from hardsight.backbones.bundled import BUNDLED, BackboneError, bundled_weights
from hardsight.core.modules import seeded

_UNREADABLE = (
    *(OSError, RuntimeError, ValueError, EOFError, KeyError, IndexError),
    *(UnpicklingError, SafetensorError),
)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of the images in [0, 1] that most networks were trained on."""
SUFFIXES = (".safetensors", ".pth", ".pt")
SOURCES = "'bundled', 'hub', 'random', or the path of a .safetensors or .pth file"


def check_source(source: str) -> None:
    """Refuse what is no source of weights, before anything is built.

    Raises:
        BackboneError: neither a known word nor a path of a known suffix.
    """
    if source not in ("bundled", "hub", "random") and Path(source).suffix not in SUFFIXES:
        raise BackboneError(f"weights={source!r} is none of {SOURCES}")


def pretrained_weights(name: str, source: str) -> Mapping[str, Tensor]:
    """Return a network's weights by name of its tensors.

    Args:
        name: timm's name of the network.
        source: "bundled", "hub", or a path; a file may hold the whole network, or a ``Backbone``.

    Raises:
        BackboneError: there are none, or they cannot be read.
    """
    check_source(source)
    if source == "bundled":
        return bundled_weights(name)
    return _of_hub(name) if source == "hub" else _of_file(Path(source))


def normalisation(name: str, source: str) -> tuple[Sequence[float], Sequence[float]]:
    """Return mean and standard deviation of the images in [0, 1] that weights were trained on."""
    if source == "bundled" and name in BUNDLED:
        found = BUNDLED[name]
        return (found.mean,) * 3, (found.std,) * 3
    import timm  # slow: not before it is needed

    config = timm.get_pretrained_cfg(name)
    return ((0.5,) * 3,) * 2 if config is None else (config.mean, config.std)


def load_into(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load the weights that a network has; others, such as those of its classifier, are left.

    Raises:
        BackboneError: some lack, or are of another shape.
    """
    needed = network.state_dict()
    missing = [key for key in needed if key not in weights]
    if missing:
        raise BackboneError(
            f"weights={source!r} lack {len(missing)} of {len(needed)} tensors of the network, "
            f"first {missing[0]!r}: they are of another network; name theirs"
        )
    try:
        network.load_state_dict({key: weights[key] for key in needed})
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise BackboneError(f"weights={source!r} are of another network ({first})") from error


def load_features(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load the weights of a whole network, or of a ``Backbone``, into timm's feature network of it.

    That holds a ViT whole, whose positions are brought to its own grid, and gives the first stages
    of others flat names, "stages_0" for "stages.0".

    Raises:
        BackboneError: some lack, or are of another shape.
    """
    from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

    found = {k.removeprefix("network.").removeprefix("model."): w for k, w in weights.items()}
    whole = getattr(network, "model", network)
    needed = whole.state_dict()
    fits = all(k in found and found[k].shape == w.shape for k, w in needed.items())
    if isinstance(whole, VisionTransformer) and not fits:
        found = checkpoint_filter_fn(found, whole)
    for key in needed.keys() - found.keys():
        first = key.partition(".")[0]
        deep = (f"{key[:i]}.{key[i + 1 :]}" for i, letter in enumerate(first) if letter == "_")
        if stage := next((name for name in deep if name in found), None):
            found[key] = found[stage]
    load_into(whole, found, source)


def _of_hub(name: str) -> Mapping[str, Tensor]:
    import timm

    try:
        with seeded(0):  # leaves the global generator as it was
            found: Mapping[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    except (OSError, RuntimeError, ValueError) as error:
        raise BackboneError(
            f"the weights of {name!r} cannot be fetched from the hub ({error}); download them "
            "where there is a network and give their path as weights, or take the bundled "
            "tf_efficientnet_lite0"
        ) from error
    return found


def _of_file(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise BackboneError(f"weights={str(path)!r} is not there") from error
    except _UNREADABLE as error:
        raise BackboneError(f"weights={str(path)!r} cannot be read ({error})") from error
    if not isinstance(found, dict) or not all(isinstance(w, Tensor) for w in found.values()):
        raise BackboneError(f"weights={str(path)!r} hold no state dict; save model.state_dict()")
    return found
