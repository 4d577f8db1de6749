"""Gradients through long chains in the memory of one link."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hardsight.attacks.wrapper import Wrapper, substituted


class Checkpointed(Wrapper):
    """Computes the module again in the backward pass instead of keeping its activations.

    Chen et al. (2016). Of a reconstruction in m denoising steps only the m inputs of the denoiser
    stay in memory, for one more forward pass in time. The gradient is the exact one: the noise of
    hardsight is a tensor, so a second pass replays it. A module that draws from a generator of its
    own would not be replayed; torch's global generator is restored.
    """

    def around(self, function: Callable[..., Any], x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return the function's value, its activations forgotten."""
        return checkpoint(function, x, *args, use_reentrant=False, **kwargs)


def checkpointed(model: nn.Module, name: str) -> AbstractContextManager[nn.Module]:
    """Checkpoint each call of the submodule ``name`` meanwhile, e.g. a detector's ``"denoiser"``.

    Raises:
        ValueError: there is no such submodule.
    """
    return substituted(model, name, Checkpointed)
