"""A defended classifier as a configuration names it: fitted, loaded, and smoothed."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel
from torch import nn

from hardsight.augment import AugmentationPolicy, TrainingImages
from hardsight.classifiers import (
    CLASSIFIERS,
    ClassificationTask,
    Classifier,
    build_classifier,
    load_classifier,
    load_model,
    save_classifier,
    save_model,
)
from hardsight.config import ClassifierConfig, DiffusionConfig, RAPConfig
from hardsight.config.classification import PURIFIERS, PurifiedNetwork
from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.core.modules import seeded
from hardsight.core.progress import Progress
from hardsight.data import LabelledImages, ManifestChanged
from hardsight.diffusion import Denoiser, build_denoiser
from hardsight.purifiers import RAP, Adapter, OneShot, Purified, RAPTask, load_adapter, save_adapter
from hardsight.training import DenoisingTask, complete

CLASSIFIER, ADAPTER, DENOISER = "classifier", "adapter", "denoiser"


@dataclass(frozen=True)
class Place:
    """Where and how a classifier is trained: nothing here changes the result."""

    folder: Path
    """Folder of the run."""
    device: torch.device
    progress: Progress
    """Told of every step."""

    @property
    def training(self) -> Path:
        """The folder of checkpoints and logs."""
        return self.folder / "training"


def fit_classifier(
    config: ClassifierConfig,
    data: LabelledImages,
    place: Place,
    given: Callable[[], nn.Module] | None = None,
) -> None:
    """Train what the configuration names and save it into the run folder.

    A part that is saved is not trained again; one that was interrupted goes on.

    Args:
        config: of the run.
        data: to train on.
        place: where.
        given: loads another run's classifier, to stand behind a purifier; None: it is trained.

    Raises:
        ValueError: a classifier that does not fit the images.
    """
    if isinstance(config, DiffusionConfig):  # what can be refused is refused before the training
        purified(config, _denoiser(config, data), nn.Identity())
    if isinstance(config, RAPConfig):
        _rap(config, data)
    folder, own = place.folder, place.folder / CLASSIFIER
    if not (own / "config.json").is_file():
        if given is None:
            classifier = _trained_classifier(config, data, place)
        else:
            loaded = given()
            if not isinstance(loaded, Classifier):
                raise ValueError(
                    "classifier.run is a run with something in front of its classifier; name one "
                    "of method classifier"
                )
            classifier = loaded
            _check_fits(classifier, data, "classifier.run")
        save_classifier(classifier, own)
    if isinstance(config, RAPConfig) and not (folder / ADAPTER / "config.json").is_file():
        x, y, behind = data.images, data.labels, load_classifier(own)
        adapter = _rap(config, data).to(place.device)
        task = RAPTask(adapter, behind, x, y, config.rap, config.pad, config.flip)
        complete(task, config.training, place.training, ADAPTER, place.progress)
        save_adapter(task.module, folder / ADAPTER)
    if isinstance(config, DiffusionConfig) and not (folder / DENOISER / "config.json").is_file():
        denoiser = _denoiser(config, data).to(place.device)
        policy = AugmentationPolicy(len(data.images), ("flip",) if config.flip else ())
        learnt = DenoisingTask(denoiser, TrainingImages(data.images, (policy,)))
        complete(learnt, config.training, place.training, DENOISER, place.progress)
        save_model(denoiser, denoiser.config, folder / DENOISER)


def defended(config: ClassifierConfig, folder: Path) -> nn.Module:
    """Return the classifier of a finished run, behind its purifier if it has one."""
    classifier = load_classifier(folder / CLASSIFIER)
    if isinstance(config, RAPConfig):
        return Purified(load_adapter(folder / ADAPTER), classifier)
    if isinstance(config, DiffusionConfig):
        return purified(config, load_model(folder / DENOISER, build_denoiser), classifier)
    return classifier


def smoothed(config: ClassifierConfig, folder: Path, sigma: float) -> nn.Module:
    """Return what a certificate smooths: images with noise of ``sigma`` in them -> logits.

    A one-shot run takes the smoothing noise for the diffusion's (Carlini et al., 2023).

    Raises:
        ValueError: its purifier brings noise of its own, of which nothing is certified.
    """
    if not isinstance(config, DiffusionConfig):
        return defended(config, folder)
    if config.method != "one-shot":
        raise ValueError(
            f"{folder} purifies by {config.method}, many calls of its denoiser for each of "
            "thousands of noisy copies, and is not certified; fit one that takes a single call, "
            "with method one-shot (see: hardsight presets one-shot-mnist)"
        )
    denoiser = load_model(folder / DENOISER, build_denoiser)
    purifier = OneShot(denoiser, sigma, True, config.purifier.model_dump()["clamp"])
    return Purified(purifier, load_classifier(folder / CLASSIFIER))


def purified(config: DiffusionConfig, denoiser: Denoiser, classifier: nn.Module) -> Purified:
    """Return a classifier behind the purifier that a configuration names."""
    purifier = PURIFIERS[config.method](denoiser, **config.purifier.model_dump())
    return Purified(purifier, classifier, config.draws, config.combine, config.precision)


def check_labelled(part: str, images: LabelledImages, path: Path, allow_change: bool) -> None:
    """Hold a part of a labelled set against that recorded at ``path``, or record it.

    Raises:
        ManifestChanged: other images or labels than recorded, unless ``allow_change``.
        ValueError: the file is no such record.
    """
    now = {"name": images.name, "images": len(images), "sha256": images.sha256}
    recorded = recorded_parts(path) if path.exists() else {}
    old = recorded.get(part, now)
    if old != now and not allow_change:
        raise ManifestChanged(
            path,
            [
                f"{part} is {now['images']} images of {now['name']} with another content than the "
                f"{old['images']} of {old['name']}"
            ],
        )
    if recorded.get(part) != now:
        write_atomically(path, json.dumps(recorded | {part: now}, indent=1) + "\n")


def recorded_parts(path: Path) -> dict[str, dict[str, Any]]:
    """Return name, images and SHA-256 of each part of a labelled set that is recorded at ``path``.

    Raises:
        ValueError: the file is no such record.
    """
    keys = ("name", "images", "sha256")
    return read_json(
        path,
        "remove it to record the data anew",
        lambda found: {part: {key: one[key] for key in keys} for part, one in found.items()},
    )


def _trained_classifier(config: ClassifierConfig, data: LabelledImages, place: Place) -> Classifier:
    part, settings, folder = config.classifier, config.training, place.training
    if isinstance(part, PurifiedNetwork):
        settings = part.training.model_copy(update={"seed": settings.seed})
        folder = folder / CLASSIFIER
    made = CLASSIFIERS.get(str(part.network.get("name")))
    known = inspect.signature(made).parameters if made else {}
    decided = {"classes": len(data.classes), "size": data.images.shape[-1]}
    with seeded(settings.seed):
        classifier = build_classifier(
            {k: v for k, v in decided.items() if k in known} | part.network
        )
    _check_fits(classifier, data, "classifier.network")
    attack = part.adversary.attack if part.adversary else None
    classifier = classifier.to(place.device)
    task = ClassificationTask(classifier, data.images, data.labels, attack, config.pad, config.flip)
    complete(task, settings, folder, CLASSIFIER, place.progress)
    return classifier


def _rap(config: RAPConfig, data: LabelledImages) -> RAP:
    channels, size = data.images.shape[1], data.images.shape[-1]
    with seeded(config.training.seed):
        adapter = Adapter(size, channels, **BaseModel.model_dump(config.adapter))
    return RAP(adapter, config.rap.clamp)


def _denoiser(config: DiffusionConfig, data: LabelledImages) -> Denoiser:
    channels, size = data.images.shape[1], data.images.shape[-1]
    with seeded(config.training.seed):
        return build_denoiser({"size": size, "image_channels": channels} | config.denoiser)


def _check_fits(classifier: Classifier, data: LabelledImages, name: str) -> None:
    channels, classes = classifier.mean.shape[1], classifier.classes
    if (channels, classes) != (data.images.shape[1], len(data.classes)):
        raise ValueError(
            f"{name} is for {channels} channels and {classes} classes, and {data.name} has "
            f"{data.images.shape[1]} and {len(data.classes)}; name another, or set the network's "
            "classes, and mean and std with a number for each channel"
        )
