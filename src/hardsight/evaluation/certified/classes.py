"""The certification of a classifier on a labelled set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardsight.attacks.objectives.draws import Model, evaluate_draws
from hardsight.certify import certify_vote, linf_radius, per_image_alpha
from hardsight.core.types import Progress, quiet
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.certified.results import Terms
from hardsight.evaluation.certified.sampled import Sampling, in_proportion
from hardsight.evaluation.deadline import deadline
from hardsight.evaluation.provenance import fingerprint


class AccuracyPoint(NamedTuple):
    """What is certified at one radius."""

    radius: float
    """L2, in [0, 1] pixel units."""
    linf: float
    """The largest L-infinity eps that this radius covers."""
    accuracy: float
    """Share of the images that keep their true label throughout the radius."""


@dataclass(frozen=True)
class ClassCertification:
    """What was certified of one classifier."""

    terms: Terms
    joint: bool
    """Whether all images' statements hold together with confidence 1 - alpha, or each by itself."""
    index: NDArray[np.intp]
    """(M,) places in the data set of the images that were certified."""
    labels: NDArray[np.int64]
    """(M,) true classes."""
    predicted: NDArray[np.int64]
    """(M,) the smoothed classifier's; ABSTAIN where no class certainly wins."""
    radii: NDArray[np.float64]
    """(M,) in which the predictions are certain; NaN where it abstains."""
    values: int
    """Of an image, channels x height x width."""
    seconds_per_image: float
    complete: bool
    """False if time ran out."""

    @property
    def rows(self) -> tuple[AccuracyPoint, ...]:
        """The curve, at the radii asked for."""
        return tuple(
            AccuracyPoint(r, linf_radius(r, self.values), self.accuracy(r))
            for r in self.terms.radii
        )

    @property
    def abstained(self) -> float:
        """Share of the images without a prediction."""
        return float(np.isnan(self.radii).mean())

    def accuracy(self, radius: float) -> float:
        """Cohen et al. (2019), section 4: the share that is right, and certainly so, at a radius.

        Beyond the largest radius that n votes can certify it is 0.
        """
        return float(((self.predicted == self.labels) & (self.radii >= radius)).mean())


def certify_classifier(
    classifier: Model,
    images: Tensor,
    labels: Tensor,
    *,
    sigma: float,
    n: int = 1000,
    alpha: float = 0.001,
    radii: Sequence[float] = (0.0, 0.1, 0.25, 0.5),
    selection: int = 100,
    joint: bool = False,
    batch_size: int = 32,
    seed: int = 0,
    folder: str | Path | None = None,
    max_minutes: float | None = None,
    progress: Progress = quiet,
) -> ClassCertification:
    """Certify the majority vote of a classifier over noisy copies (Cohen et al., 2019).

    Args:
        classifier: images (B, C, H, W), *not* confined to [0, 1], -> logits (B, K), in eval mode;
            with a method ``sample_noise(images, generator)`` it is called with (images, noise).
        images: (N, C, H, W) uint8, or float in [0, 1].
        labels: (N,) true classes.
        sigma: standard deviation of the smoothing noise in [0, 1] pixel units.
        n: noisy copies that judge an image.
        alpha: probability that a statement is false.
        radii: L2, in [0, 1] pixel units, for the table.
        selection: noisy copies that propose an image's class.
        joint: let all statements hold together (Bonferroni over the images).
        batch_size: noisy copies at a time.
        seed: of all randomness.
        folder: where finished images are kept; a killed certification goes on from there. Modules
            are told apart by their weights, functions are not.
        max_minutes: start no further image after this long; every class has its part in what is
            done by then.
        progress: told of every finished image.

    Raises:
        ValueError: another number of labels than of images, none of either, or a bad parameter.
    """
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"need a label for each image, got {len(labels)} for {len(images)} images")
    terms = Terms(sigma, n, alpha, 0.5, tuple(sorted(set(radii))))
    weights = classifier.parameters() if isinstance(classifier, nn.Module) else ()
    each = per_image_alpha(alpha, len(images)) if joint else alpha
    sampling = Sampling(
        next((w.device for w in weights), images.device),
        seed,
        Path(folder) if folder else None,
        deadline(max_minutes),
        progress,
    )

    def score(x: Tensor, generator: torch.Generator, /) -> Tensor:
        found: Tensor = evaluate_draws(classifier, x, 1, generator)
        return found

    def work(image: Tensor, generator: torch.Generator) -> Tensors:
        vote = certify_vote(score, image, n, sigma, each, generator, batch_size, selection)
        return {
            "label": torch.tensor(vote.label),
            "radius": torch.tensor(vote.radius, dtype=torch.float64),
        }

    true = labels.cpu().numpy().astype(np.int64)
    order = in_proportion(true)
    facts = (fingerprint(classifier), sigma, n, each, selection, batch_size)
    chosen = images[torch.from_numpy(order)]
    parts = list(sampling.each(chosen, work, f"classify/{sigma}", "certify", *facts))
    if not parts:
        raise ValueError(f"time ran out before the first image; raise max_minutes={max_minutes}")
    found: dict[str, Any] = {
        k: torch.stack([p[k] for p in parts]).numpy() for k in ("label", "radius", "seconds")
    }
    done = order[: len(parts)]
    return ClassCertification(
        terms=terms,
        joint=joint,
        index=done,
        labels=true[done],
        predicted=found["label"],
        radii=found["radius"],
        values=images[0].numel(),
        seconds_per_image=float(found["seconds"].mean()),
        complete=len(parts) == len(images),
    )
