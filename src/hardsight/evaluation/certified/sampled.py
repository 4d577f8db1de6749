"""Noisy copies of images, made image by image and kept: what all certificates share."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.core.noise import Noise
from hardsight.core.types import Progress, quiet
from hardsight.evaluation.batches import Tensors, deadline, resumed
from hardsight.evaluation.plan import Execution

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
    folder: Path | None = None
    """None keeps nothing."""
    deadline: float = float("inf")
    """``time.monotonic()`` after which no further image starts."""
    progress: Progress = quiet

    @classmethod
    def of(cls, device: torch.device, seed: int, execution: Execution) -> Self:
        """Sample on a device, as far as the execution allows; its time begins now."""
        folder = Path(execution.folder) if execution.folder else None
        return cls(device, seed, folder, deadline(execution.max_minutes), execution.progress)

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
            work: deterministic given its generator.
            purpose: the same for one kind of sample alone: no two share their noise.
            stage: of the progress.
            facts: whatever else decides the result.
        """
        noise = Noise(self.seed, self.device)
        key = hashlib.sha256(json.dumps([purpose, self.seed, *map(str, facts)]).encode())
        folder = self.folder / f"{stage}-{key.hexdigest()[:12]}" if self.folder else None

        def one(stored: Tensor, digest: str) -> Tensors:
            begun = time.perf_counter()
            x = stored.to(self.device)
            x = x.float() / 255 if x.dtype == torch.uint8 else x
            found = work(x, noise.generator(f"{purpose}/{digest}"))
            found = {k: v.cpu() for k, v in found.items()}  # waits for the device
            return found | {"seconds": torch.tensor(time.perf_counter() - begun)}

        def named() -> Iterator[tuple[str, Callable[[], Tensors]]]:
            for stored in images:
                content = stored.cpu().contiguous().numpy().tobytes()
                digest = hashlib.sha256(content).hexdigest()[:16]
                yield digest, partial(one, stored, digest)

        for done, found in enumerate(resumed(named(), folder, self.deadline), 1):
            self.progress(stage, done, len(images), "images")
            yield found


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
