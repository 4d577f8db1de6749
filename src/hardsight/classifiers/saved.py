"""Models in a folder: ``config.json`` and ``model.safetensors``, never a pickle."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from hardsight.classifiers.base import Classifier
from hardsight.classifiers.mnist_cnn import MNISTCNN
from hardsight.classifiers.resnet import ResNet18
from hardsight.classifiers.wide_resnet import WideResNet
from hardsight.core.files import write_atomically, write_tensors
from hardsight.core.json_files import read_object
from hardsight.core.modules import check_numbers
from hardsight.training.checkpoint import CheckpointError, load_into

M = TypeVar("M", bound=nn.Module)

CLASSIFIERS: dict[str, Callable[..., Classifier]] = {
    "wide-resnet": WideResNet,
    "resnet18": ResNet18,
    "mnist-cnn": MNISTCNN,
}
"""Name -> classifier."""


def build_classifier(config: dict[str, Any]) -> Classifier:
    """Return an untrained classifier from ``{"name": ..., arguments ...}``.

    Raises:
        ValueError: an unknown name, or settings the classifier refuses.
        TypeError: an argument the classifier does not have.
    """
    settings = dict(config)
    name = settings.pop("name", None)
    if name not in CLASSIFIERS:
        raise ValueError(f"unknown classifier {name!r}; choose one of {sorted(CLASSIFIERS)}")
    return CLASSIFIERS[name](**settings)


def save_model(model: nn.Module, config: dict[str, Any], folder: str | Path) -> Path:
    """Write a model's weights and what it takes to build it; return the folder."""
    folder = Path(folder)
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    write_tensors(folder / "model.safetensors", weights)
    write_atomically(folder / "config.json", json.dumps(config, indent=1) + "\n")
    return folder


def load_model(folder: str | Path, build: Callable[[dict[str, Any]], M]) -> M:
    """Return the model of a folder in eval mode, built by ``build(config)``.

    Raises:
        FileNotFoundError: no model there.
        ValueError: a damaged file, or weights of another architecture.
    """
    folder = Path(folder)
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no {name}; train a model and save it there")
    config = read_object(folder / "config.json", "restore it, or train again")
    try:
        model = build(config)
        load_into(model, load_file(folder / "model.safetensors"), folder)
    except (SafetensorError, CheckpointError) as error:
        raise ValueError(f"{folder} cannot be loaded ({error}); train again") from error
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder} holds another model: {error!r}; name its folder") from error
    check_numbers(model, folder / "model.safetensors")
    return model.eval()


def save_classifier(classifier: Classifier, folder: str | Path) -> Path:
    """Write a classifier; ``load_classifier`` reads it."""
    return save_model(classifier, classifier.config, folder)


def load_classifier(folder: str | Path) -> Classifier:
    """Return the classifier that ``save_classifier`` wrote, in eval mode."""
    return load_model(folder, build_classifier)
