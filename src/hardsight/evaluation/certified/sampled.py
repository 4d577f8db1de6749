"""Noisy copies of images, made image by image and kept: what all certificates share."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.certify import Scorer, score_samples
from hardsight.core.noise import Noise
from hardsight.evaluation.batches import Tensors, deadline
from hardsight.evaluation.plan import Execution

EXECUTION = Execution()
Each = Callable[[Tensor, torch.Generator], Tensors]
"""``(image (C, H, W) in [0, 1] on the device, its own generator)`` -> what is kept of it."""


@dataclass(frozen=True)
class Sampling:
    """How noisy copies of images are made, and where what is made of them is kept.

    An image's generator depends on the seed, the purpose and the image's content alone, and what is
    kept is named by them: order, interruption and the choice of other images change nothing.
    """

    device: torch.device
    seed: int = 0
    execution: Execution = EXECUTION
    """Where what is made is kept, and who makes it."""
    deadline: float = math.inf
    """``time.monotonic()`` after which no further image starts."""

    @classmethod
    def of(cls, device: torch.device, seed: int, execution: Execution) -> Self:
        """Sample on a device, as far as the execution allows; its time begins now."""
        return cls(device, seed, execution, deadline(execution.max_minutes))

    def spread(
        self,
        images: Tensor,
        truth: NDArray[np.generic],
        work: Each,
        purpose: str,
        stage: str,
        *facts: object,
    ) -> "Sampled":
        """Do the work for each image until time runs out, each label in proportion.

        Args:
            images, work, purpose, stage, facts: see ``each``.
            truth: (N,) what the images are.
        """
        order = in_proportion(truth)
        chosen = images[torch.from_numpy(order)]
        parts = list(self.each(chosen, work, purpose, stage, *facts))
        return Sampled(order[: len(parts)], parts)

    def each(
        self, images: Tensor, work: Each, purpose: str, stage: str, *facts: object
    ) -> Iterator[Tensors]:
        """Yield what ``work`` makes of each image, and "seconds", until time runs out.

        Args:
            images: (N, C, H, W) uint8, or float in [0, 1].
            work: deterministic given its generator; it can be pickled.
            purpose: the same for one kind of sample alone: no two share their noise.
            stage: of the progress.
            facts: whatever else decides the result.
        """
        key = hashlib.sha256(json.dumps([purpose, self.seed, *map(str, facts)]).encode())
        batches = self.execution.batches(f"{stage}-{key.hexdigest()[:12]}", self.deadline)
        one = _Image(images.cpu().contiguous(), work, Noise(self.seed, self.device), purpose)
        named = [(one.digest(i), i) for i in range(len(images))]
        kept = [batches.keeps(name) for name, _ in named]
        for done, (before, found) in enumerate(
            zip(kept, batches.each(one, named), strict=False), 1
        ):
            if not before or done == len(images):  # what took no time now must not tell the pace
                self.execution.progress(stage, done, len(images), "images")
            yield found


@dataclass(frozen=True)
class _Image:
    """Does the work for an image, named by its place."""

    images: Tensor
    work: Each
    noise: Noise
    purpose: str

    def digest(self, place: int) -> str:
        """Return what names an image's content."""
        return hashlib.sha256(self.images[place].numpy().tobytes()).hexdigest()[:16]

    def __call__(self, place: int) -> Tensors:
        begun = time.perf_counter()
        x = self.images[place].to(self.noise.device)
        x = x.float() / 255 if x.dtype == torch.uint8 else x
        found = self.work(x, self.noise.generator(f"{self.purpose}/{self.digest(place)}"))
        found = {k: v.cpu() for k, v in found.items()}  # waits for the device
        return found | {"seconds": torch.tensor(time.perf_counter() - begun)}


@dataclass(frozen=True)
class SampledScores:
    """Scores noisy copies of an image.

    Args:
        scorer: of a detector, ``detector_scorer`` makes one.
        n, sigma, batch_size: see ``score_samples``.
    """

    scorer: Scorer
    n: int
    sigma: float
    batch_size: int | None

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensors:
        """Return "scores" (n,)."""
        n, sigma, size = self.n, self.sigma, self.batch_size
        return {"scores": score_samples(self.scorer, image, n, sigma, generator, size)}


class Sampled(NamedTuple):
    """What was made of the images that time allowed."""

    places: NDArray[np.intp]
    """(M,) places of these images."""
    parts: list[Tensors]
    """What is kept of each."""

    def column(self, key: str, dim: int = 0) -> NDArray[Any]:
        """Return what is called ``key`` of all of them, stacked along ``dim``."""
        return torch.stack([p[key] for p in self.parts], dim=dim).numpy()

    @property
    def seconds_per_image(self) -> float:
        """The seconds that one image took."""
        return float(torch.stack([p["seconds"] for p in self.parts]).mean())


def in_proportion(labels: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return an order of the images in which every beginning holds each label in proportion."""
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(place, kind="stable")
