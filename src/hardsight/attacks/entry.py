"""The public entry of every attack: its arguments are checked once."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hardsight.attacks.contract import Aimed, Objective
from hardsight.attacks.gradients import frozen
from hardsight.core.batches import at_least_single
from hardsight.core.modules import in_mode
from hardsight.core.types import AttackResult, check_images


class Entry(ABC):
    """An attack whose arguments are checked before it begins; what a subclass adds is how.

    Precision: float32 images are attacked in float32, and float64 images in float64 unless the
    model of an ``Aimed`` objective has weights and none of them is float64. float16 and
    bfloat16 images are attacked, and come back, in float32: next to 1, bfloat16 has steps of 1/256,
    in which a radius of 2/255 has no meaning. A model may still compute in half precision, under
    autocast.
    """

    @property
    def by_gradient(self) -> bool:
        """Whether it follows the gradient of what it attacks, and cannot do without."""
        return True

    def __call__(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None = None,
        start: Tensor | None = None,
    ) -> AttackResult:
        """Return adversarial images inside the ball, their objective and the evaluations spent.

        The model of an ``Aimed`` objective is in eval mode meanwhile, see ``at_rest``.

        Args:
            objective: what is maximised, per image.
            images: (B, C, H, W) in [0, 1], the centres of the balls.
            generator: where all randomness comes from.
            start: (B, C, H, W) where the search begins, projected into the ball; None: as the
                attack says.

        Raises:
            TypeError: images or start that are no float tensors.
            ValueError: images outside [0, 1], of another shape or not finite; a start of another
                shape or not finite; an objective that returns anything but one finite number an
                image, or has no gradient where one is needed.
        """
        model = objective.model if isinstance(objective, Aimed) else None
        images = attackable(images, model)
        if start is not None:
            start = like_images(start, images, "start")
        with at_rest(model):
            return self.optimise(objective, images, generator, start)

    @abstractmethod
    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Attack images that are known to be in order; arguments as of a call."""


def attackable(images: Tensor, model: object) -> Tensor:
    """Return checked images in the precision in which a model is attacked, see ``Entry``.

    Without a history of gradients, and as a copy where they were made in inference mode, which
    allows them none.
    """
    found = at_least_single(check_images(images).detach())
    found = found.clone() if found.is_inference() else found
    return found.float() if _is_single(model) else found


def _is_single(model: object) -> bool:
    """Return whether a model has weights, and none in double precision."""
    weights = list(model.parameters()) if isinstance(model, nn.Module) else []
    return bool(weights) and all(weight.dtype != torch.float64 for weight in weights)


def like_images(x: Tensor, images: Tensor, name: str) -> Tensor:
    """Return other images of the same, detached, with their precision and device.

    Raises:
        TypeError: no float tensor; ``name`` says what it is.
        ValueError: another shape, NaN or infinity.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"{name} must be a float tensor like images, got {got}")
    if x.shape != images.shape:
        raise ValueError(
            f"{name} must have the shape of images, {tuple(images.shape)}, got {tuple(x.shape)}"
        )
    if not bool(x.isfinite().all()):
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return x.detach().to(images)


@contextmanager
def at_rest(*models: object) -> Iterator[None]:
    """Put models in eval mode and their parameters out of the gradient meanwhile; then as found.

    In train mode a model would be attacked on the statistics of the batch, with dropout, and its
    running means would follow the adversarial images. What is no module is left alone.
    """
    modules = [m for m in models if isinstance(m, nn.Module)]
    with frozen(*modules), in_mode("eval", *modules):
        yield
