"""A classifier on labelled images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardsight.attacks import Attempt, MarginObjective, Suite
from hardsight.attacks.class_suites import LabelledVictim, class_suite
from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.core.capabilities import averaged_draws, sample_noise
from hardsight.core.progress import quiet
from hardsight.core.types import AttackResult, Detection
from hardsight.data import LabelledImages
from hardsight.data.splits import evenly
from hardsight.detectors import Detector
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.published import Published, published_accuracy
from hardsight.evaluation.results import Estimate
from hardsight.evaluation.subjects.subject import Scores, Subject
from hardsight.metrics import accuracy_difference, accuracy_interval
from hardsight.purifiers import behind


@dataclass(frozen=True, eq=False)
class ClassifierSubject(Subject):
    """A classifier, plain or defended: its classes are the outputs, and accuracy the figure.

    Args:
        model: images (B, C, H, W) in [0, 1] -> logits (B, K). A random one has ``sample_noise`` and
            is called with (images, noise).
        images: (N, C, H, W) uint8.
        truth: (N,) classes.
        classes: their names.
        source: another classifier, for transferred and grey-box attacks.
        data, digest, facts, notes: see ``Subject``.
        method: whose published figures stand beside, see ``published_accuracy``.
    """

    kind = "classifier"
    target = "class"
    measure = "accuracy"
    counted = "images right"
    answer = "margin"
    judged = "margin"
    loss = "ce"
    surrogates = ("ce", "margin", "dlr")
    chance_wins = True

    model: nn.Module
    images: Tensor
    truth: NDArray[np.int64]
    classes: tuple[str, ...]
    source: nn.Module | None = None
    data: str = ""
    digest: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    method: str | None = None

    @classmethod
    def of(
        cls,
        model: nn.Module,
        data: LabelledImages,
        source: nn.Module | None = None,
        method: str | None = None,
    ) -> Self:
        """Take labelled images; without a source, the classifier behind a purifier is it."""
        return cls(
            model,
            data.images,
            data.labels.numpy(),
            data.classes,
            source or behind(model),
            data.name,
            data.sha256,
            {
                "data": f"{data.name}, {len(data)} images of {len(data.classes)} classes",
                "images (SHA-256)": data.sha256,
            },
            (f"The images are {data.note}.",) if data.note else (),
            method,
        )

    def with_images(self, images: Tensor) -> Self:
        """Return this subject with other images in place of these."""
        return replace(self, images=images)

    @property
    def device(self) -> torch.device:
        """Where the classifier computes."""
        own = chain(self.model.parameters(), self.model.buffers())
        return next((p.device for p in own), torch.device("cpu"))

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images as floats on the device."""
        x = images.to(self.device)
        return x.float() / 255 if x.dtype == torch.uint8 else x

    def labels(self, start: int, count: int) -> Tensor:
        """Return the true classes (B,) of the images from ``start`` on, on the device."""
        return torch.from_numpy(self.truth[start : start + count]).to(self.device)

    def victim(self, start: int, count: int, on_map: bool = False) -> LabelledVictim:
        """Return the logits of some images."""
        labels = self.labels(start, count)
        return LabelledVictim(self.model, labels, self.source, len(self.classes))

    def attack(
        self,
        suite: Suite,
        x: Tensor,
        start: int,
        generator: torch.Generator,
        told: Callable[[Attempt], None] = quiet,
    ) -> AttackResult:
        """Return the worst images; without noise, what is misread is attacked no more."""
        victim = self.victim(start, len(x))
        if self.random:
            return suite(victim, x, generator, told=told)
        worst, queries = x.clone(), 0
        with torch.no_grad():
            harm = victim.judge(1)(x, generator)
        standing, nonfinite = harm <= 0, torch.zeros_like(harm, dtype=torch.bool)
        for attempt in suite.attempts:
            if not bool(standing.any()):
                break
            part = replace(victim, labels=victim.labels[standing])
            result = _alone(suite, attempt)(part, x[standing], generator)
            worst[standing], harm[standing] = result.images, result.objective.to(harm)
            nonfinite[standing] |= result.nonfinite
            standing, queries = harm <= 0, queries + result.queries
            told(attempt)
        return AttackResult(worst, harm, queries, nonfinite)

    @torch.no_grad()
    def outputs(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Return the classes (B,) of images (B, C, H, W)."""
        logits: Tensor = evaluate_draws(self.model, x, 1, noise=noise)
        return logits.argmax(1)

    @torch.no_grad()
    def logits(self, x: Tensor, draws: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield (B, K) float64 on independent noise, on the CPU: means of half precision would tie.

        Raises:
            TypeError: an output that is no tensor.
            ValueError: images that the classifier fails on, logits of another shape, not finite, or
                too few for the classes.
        """
        largest = int(self.truth.max())
        for _ in range(draws if self.random else 1):
            try:
                output = evaluate_draws(self.model, x, 1, generator)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                raise ValueError(
                    f"the classifier cannot answer images {tuple(x.shape)} of {x.dtype}: {error}; "
                    "put what they need first into the model, as a cast to half precision, a size "
                    "or one channel"
                ) from error
            found = _logits(output, len(x))
            if found.shape[1] <= largest:
                raise ValueError(
                    f"a class of {largest} needs more than the {found.shape[-1]} logits given; "
                    "classes count from 0"
                )
            if not bool(found.isfinite().all()):
                raise ValueError("the classifier returned logits that are not finite")
            yield found.double()

    def fresh_outputs(
        self, x: Tensor, draws: int, generator: torch.Generator, maps: bool = False
    ) -> Tensors:
        """Classify images on independent noise; all draws together by the mean of the logits."""
        each = torch.stack(list(self.logits(x, draws, generator)), 1)
        return {"outputs": each.argmax(2), "mean": each.mean(1).argmax(1)}

    def worst_draws(self, outputs: NDArray[Any], start: int = 0) -> NDArray[np.intp]:
        """Return a draw with a wrong class where any has one: a resubmission fools it."""
        right = outputs == self.truth[start : start + len(outputs), None]
        return np.asarray(right.argmin(1))

    def enough(self, n: int) -> bool:
        """Tell whether there are any."""
        return n > 0

    def chosen(self, count: int) -> list[int]:
        """Return indices spread evenly over all images."""
        return evenly(np.arange(len(self)), count)

    @property
    def sign(self) -> Scores:
        """(N,) ones: all are harmed by a rising margin."""
        return np.ones(len(self))

    def scores(self, x: Tensor, noise: Tensor | None, start: int) -> Tensor:
        """Return margins (B,) of images (B, C, H, W): from 0 on an image is misread."""
        return MarginObjective(self.model, self.labels(start, len(x)), 1, noise)(x)

    def fresh_scores(self, x: Tensor, start: int, draws: int, generator: torch.Generator) -> Scores:
        """Return margins (B,) of the mean logits."""
        mean = torch.stack(list(self.logits(x, draws, generator))).mean(0)
        labels = self.labels(start, len(x)).cpu()[:, None]
        others = mean.scatter(1, labels, -torch.inf)
        return np.asarray((others.amax(1) - mean.gather(1, labels).squeeze(1)).numpy())

    def figure(self, scores: Scores) -> float:
        """Return the accuracy by margins (N,)."""
        return float((scores < 0).mean())

    def interval(self, scores: Scores) -> Estimate:
        """Return the accuracy with its exact 95 % interval."""
        return Estimate(*accuracy_interval(scores < 0, np.ones(len(scores), np.bool_)))

    def above(self, a: Scores, b: Scores) -> Estimate:
        """Return the accuracy of a less that of b with its paired interval."""
        return Estimate(*accuracy_difference(a < 0, b < 0))

    def scorer(self, index: Sequence[int]) -> Detector:
        """Return the margins of the images at ``index``, as scores."""
        labels = torch.from_numpy(self.truth[list(index)]).to(self.device)
        return _Margin(self.model, labels, self.random)

    @property
    def shown(self) -> str:
        """How many, of how many classes."""
        return f"{len(self)} of {len(self.classes)} classes"

    def quick(self, norm: str) -> Suite:
        """Return PGD in ten steps."""
        return class_suite("pgd", norm, 0.0, steps=10)

    def published(self, suite: Suite | None, on_map: bool = False) -> Published | None:
        """Return the figure of a method's paper."""
        name, ball = (suite.name, suite.ball) if suite else ("clean", None)
        return published_accuracy(self.method, name, ball)


def _logits(output: Any, n: int) -> Tensor:
    """Return what a classifier says of n images as logits (n, K) on the CPU, if it is that."""
    if not isinstance(output, Tensor):
        raise TypeError(
            f"the classifier must return logits (B, K), got {type(output).__name__}; wrap it in a "
            "module that does"
        )
    if output.ndim != 2 or len(output) != n:
        raise ValueError(
            f"the classifier must return logits (B, K), got {tuple(output.shape)} for {n} images"
        )
    return output.cpu()


def _alone(suite: Suite, attempt: Attempt) -> Suite:
    return replace(suite, build=lambda ball: (attempt,))


class _Margin(Detector):
    """The margins of given images as scores: what finite differences are taken of."""

    has_maps = False

    def __init__(self, model: nn.Module, labels: Tensor, random: bool) -> None:
        super().__init__()
        self.model, self.labels, self.draws = model, labels, averaged_draws(model)
        self.random = random

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        return sample_noise(self.model, images, generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        margins = MarginObjective(self.model, self.labels, 1, noise)(images)
        return Detection(margins, margins.view(-1, 1, 1, 1))
