"""What an evaluation, an audit and a certificate ask of a model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardsight.attacks import Attempt, Suite, Victim, is_random
from hardsight.attacks.entry import at_rest
from hardsight.core.capabilities import averaged_draws, bypass_of, named, sample_noise, title_of
from hardsight.core.progress import quiet
from hardsight.core.types import AttackResult
from hardsight.detectors import Detector
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.published import Published
from hardsight.evaluation.results import Estimate
from hardsight.metrics.metric import Target

Kind = Literal["detector", "classifier"]
Scores = NDArray[np.float64]


class Subject(ABC):
    """A model, images, and the truth about them.

    Tables compare the model's *outputs* with the truth: scores of a detector, classes of a
    classifier. Attacks move a *score*, one number an image: a detector's own, a classifier's margin
    ``max_{j != y} z_j - z_y``.
    """

    kind: ClassVar[Kind]
    target: ClassVar[Target]
    """Target of the metrics of its outputs."""
    measure: ClassVar[str]
    """The figure of its scores."""
    counted: ClassVar[str]
    """What that is a share of."""
    answer: ClassVar[str]
    """What the score of an image is, for a reader."""
    judged: ClassVar[str]
    """The objective that is the score, with the sign of harm."""
    loss: ClassVar[str | None] = None
    """The objective that attacks usually climb in its stead; None: the same."""
    surrogates: ClassVar[tuple[str, ...]]
    """Objectives whose gradients an audit looks at, where the victim knows them."""
    chance_wins: ClassVar[bool] = False
    """Whether most random images fool the model, so that a random start proves nothing."""

    model: nn.Module
    source: nn.Module | None
    """Another model, on which transferred attacks are crafted."""
    images: Tensor
    """(N, C, H, W) uint8, or float in [0, 1]."""
    truth: NDArray[Any]
    """(N,) what the outputs are compared with."""
    data: str
    """Name of the data set; "" where there is none."""
    digest: str
    """SHA-256 of the data set: it tells two evaluations apart."""
    facts: dict[str, str]
    """What a table must say of the data, ready to show."""
    notes: tuple[str, ...]
    """What a reader must know of the data, in sentences."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def title(self) -> str:
        """The model and the data set."""
        return f"{title_of(self.model)}{f' on {self.data}' if self.data else ''}"

    @abstractmethod
    def with_images(self, images: Tensor) -> Self:
        """Return the same model and truth with other images (N, C, H, W) in place of these."""

    @property
    def threshold(self) -> float | None:
        """Above which a score is an alarm; None: there is none."""
        return None

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the model computes."""

    @property
    def models(self) -> list[nn.Module]:
        """The model, and the source if there is one."""
        return [m for m in (self.model, self.source) if isinstance(m, nn.Module)]

    def at_rest(self) -> AbstractContextManager[None]:
        """Put the models in eval mode, their weights without gradients, and restore both after."""
        return at_rest(*self.models)

    @property
    def own_draws(self) -> int:
        """Noise draws that the model itself averages in one output."""
        return averaged_draws(self.model)

    @property
    def bypass(self) -> object | None:
        """The part that a BPDA may go round, as the model names it; None: none."""
        return bypass_of(self.model)

    @cached_property
    def random(self) -> bool:
        """Whether the model draws noise."""
        return bool(is_random(self.model, self.batch(0, 1)))

    def sees(self, suite: Suite) -> Suite:
        """Return a suite as it attacks this model: once where there is no noise to average."""
        return suite.seen_by(self.model, self.batch(0, 1))

    @abstractmethod
    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images on the device as the model takes them."""

    def batch(self, start: int, count: int) -> Tensor:
        """Return the images from ``start`` on as the model takes them."""
        return self.prepare(self.images[start : start + count])

    def sample_noise(self, x: Tensor, generator: torch.Generator) -> Tensor | None:
        """Draw all the randomness of one forward pass; None without any."""
        return sample_noise(self.model, x, generator)

    @abstractmethod
    def victim(self, start: int, count: int, on_map: bool = False) -> Victim:
        """Return what attacks of the ``count`` images from ``start`` on are aimed at."""

    def attack(
        self,
        suite: Suite,
        x: Tensor,
        start: int,
        generator: torch.Generator,
        told: Callable[[Attempt], None] = quiet,
    ) -> AttackResult:
        """Return the worst that a suite finds for the images (B, C, H, W) from ``start`` on.

        What ``told`` is told of, see the call of a suite.
        """
        return suite(self.victim(start, len(x), suite.on_map), x, generator, told=told)

    @abstractmethod
    def outputs(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Return outputs (B,) of images (B, C, H, W) on given noise."""

    @abstractmethod
    def fresh_outputs(
        self, x: Tensor, draws: int, generator: torch.Generator, maps: bool = False
    ) -> Tensors:
        """Look at (B, C, H, W) on independent noise, one draw of the batch at a time.

        Args:
            x: the images.
            draws: of noise; a model without any is asked once.
            generator: of all of them.
            maps: of a detector also average its maps.

        Returns:
            On the CPU: "outputs" (B, draws), "mean" (B,) the output of all draws together where it
            is not their mean and, if asked for, "maps" (B, 1, H, W) and, of several draws, "maps
            of one draw".
        """

    def decided(self, x: Tensor) -> Tensor | None:
        """Return the scores (B,) that decisions are made on; None where there are none."""
        return None

    @abstractmethod
    def worst_draws(self, outputs: NDArray[Any], start: int = 0) -> NDArray[np.intp]:
        """Return which draw (n,) is worst for the defender, of outputs (n, D) from ``start`` on."""

    def worst_outputs(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the worst (n,) for the defender of outputs (n, D) of the first n images."""
        return np.asarray(outputs[np.arange(len(outputs)), self.worst_draws(outputs)])

    @abstractmethod
    def enough(self, n: int) -> bool:
        """Return whether the first n images allow a figure."""

    @abstractmethod
    def chosen(self, count: int) -> list[int]:
        """Return indices of some images, spread evenly: by position alone, never by result.

        A gallery of the best would be an advertisement.
        """

    @property
    @abstractmethod
    def sign(self) -> Scores:
        """(N,) 1 where a rising score is harm, and -1 elsewhere."""

    @property
    def weights(self) -> Scores:
        """(N,) what the harm of an image counts in that of all: of either ``sign`` the same."""
        _, place, count = np.unique(self.sign, return_inverse=True, return_counts=True)
        return np.asarray(1 / (len(count) * count[place]))

    @abstractmethod
    def scores(self, x: Tensor, noise: Tensor | None, start: int) -> Tensor:
        """Return scores (B,) on given noise of images in place of those from ``start`` on."""

    @abstractmethod
    def fresh_scores(self, x: Tensor, start: int, draws: int, generator: torch.Generator) -> Scores:
        """Return scores (B,) of all draws together, as ``fresh_outputs`` draws them."""

    @abstractmethod
    def figure(self, scores: Scores) -> float:
        """Return the figure that scores (N,) amount to, in [0, 1]: less after a better attack."""

    @abstractmethod
    def interval(self, scores: Scores) -> Estimate:
        """Return the figure with its 95 % interval over the images."""

    @abstractmethod
    def above(self, a: Scores, b: Scores) -> Estimate:
        """Return the figure of a less that of b with its paired interval."""

    @abstractmethod
    def scorer(self, index: Sequence[int]) -> Detector:
        """Return what gives the scores of the images at ``index``, in order, as a detector."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """The images in words."""

    @abstractmethod
    def quick(self, norm: str) -> Suite:
        """Return the attack of a curve, at radius 0."""

    @abstractmethod
    def published(self, suite: Suite | None, on_map: bool = False) -> Published | None:
        """Return a paper's figure for the same row; of clean images without a suite."""

    @property
    def described(self) -> str:
        """The model in words."""
        return named(self.model)
