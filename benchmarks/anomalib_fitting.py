"""Models of anomalib on the bundled backbone, built without a download, fitted by their own code.

Needs the extra ``anomalib``, and pytest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from anomalib_gradients import random_weights
from safetensors.torch import load_file
from torch import Tensor

from hardsight.backbones import Backbone
from hardsight.core.modules import seeded
from hardsight.data import AnomalyData
from hardsight.detectors.adapters.anomalib import transform_of
from hardsight.detectors.adapters.anomalib_backbone import load_features

BATCH, BANK = 32, 4000
"""Anomalib's training batch; vectors of PatchCore's bank, as in the preset ``patchcore``."""


@dataclass(frozen=True)
class Recipe:
    """How a model of anomalib's is built on the bundled backbone, and fitted."""

    model: str
    """Class of ``anomalib.models``."""
    taps: tuple[int, ...]
    """Levels of the backbone: of strides 4, 8, 16 and 32 from 1 on."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the class."""
    epochs: int = 0
    """Passes over the training images under its own optimizer; 0: it collects features once."""
    claimed: bool = False
    """Whether somebody published an attack on it, which is made again."""


RECIPES = {
    "PatchCore": Recipe("Patchcore", (2, 3)),
    "PaDiM": Recipe("Padim", (1, 2, 3), {"n_features": 100}),
    "STFPM": Recipe("Stfpm", (1, 2, 3), epochs=50, claimed=True),
    "DFM": Recipe("Dfm", (4,)),
    "DFKDE": Recipe("Dfkde", (4,)),
}
"""Method -> recipe; the levels of the bundled network that anomalib's default layers are."""


@dataclass(frozen=True)
class Subject:
    """One model on one data set under one seed."""

    method: str
    """Key of ``RECIPES``."""
    data: AnomalyData
    seed: int
    place: Path
    """Folder of the fitted weights and of finished batches."""
    note: str = ""
    """On which training images it was fitted, where not on all."""

    @property
    def recipe(self) -> Recipe:
        """How it is built and fitted."""
        return RECIPES[self.method]

    @property
    def path(self) -> Path:
        """The fitted weights."""
        return self.place / "model.safetensors"

    @cached_property
    def backbone(self) -> Backbone:
        """The pretrained network."""
        return Backbone(taps=self.recipe.taps, precision="fp32").pretrained()

    def used(self, module: Any) -> dict[str, Any]:
        """Return the settings that a fitted module was built and fitted with."""
        found = {"taps": list(self.recipe.taps), **self.recipe.settings}
        if self.recipe.epochs:
            found |= {"epochs": self.recipe.epochs, "batch_size": BATCH}
        if self.recipe.model == "Patchcore":
            found["bank"] = len(module.model.memory_bank)
        return found

    def build(self) -> Any:
        """Return the module on the features of the backbone, unfitted; nothing is downloaded."""
        import anomalib.models

        recipe, layers = self.recipe, list(self.recipe.taps)
        named = {"layer": layers[0]} if recipe.model == "Dfm" else {"layers": layers}
        with pytest.MonkeyPatch.context() as patch:
            random_weights(patch)
            model = getattr(anomalib.models, recipe.model)
            module = model(backbone=self.backbone.name, **named, **recipe.settings)
        load_features(module, self.backbone)
        return module

    def fitted(self) -> Any:
        """Return the module, fitted to the training images."""
        with seeded(self.seed):
            module = self.build()
            module.model.train()
            if self.recipe.epochs:
                self._train(module)
            else:
                self._collect(module)
        return module

    def loaded(self) -> Any:
        """Return the module with the weights that were fitted."""
        module = self.build()
        module.model.load_state_dict(load_file(self.path))
        return module

    def _batches(self, module: Any, order: Tensor) -> Iterator[Any]:
        """Yield batches of the training images in an order, transformed as the module asks."""
        from anomalib.data import ImageBatch

        transform = transform_of(module.pre_processor)
        for chosen in order.split(BATCH):
            images = transform(self.data.train.images()[chosen].float() / 255)
            yield ImageBatch(image=images, gt_label=torch.zeros(len(images), dtype=torch.bool))

    def _train(self, module: Any) -> None:
        optimizer, count = module.configure_optimizers(), len(self.data.train)
        for _ in range(self.recipe.epochs):
            for i, batch in enumerate(self._batches(module, torch.randperm(count))):
                optimizer.zero_grad()
                module.training_step(batch, i)["loss"].backward()
                optimizer.step()

    def _collect(self, module: Any) -> None:
        for i, batch in enumerate(self._batches(module, torch.arange(len(self.data.train)))):
            module.training_step(batch, i)
        if self.recipe.model == "Patchcore":
            patches = sum(len(stored) for stored in module.model.embedding_store)
            module.coreset_sampling_ratio = min(1.0, BANK / patches)
        module.fit()
