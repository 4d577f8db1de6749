"""Backward pass differentiable approximation: a diagnostic, never the main attack."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.attacks.wrapper import Wrapper, substituted


class BPDA(Wrapper):
    """Forward the module, backward a surrogate of it (Athalye et al., 2018, section 4.1).

    Of a module that returns a tuple, such as a denoiser's Prediction, the first field carries the
    surrogate's gradient and the others none.

    The identity is a poor surrogate of a reconstruction r: of the error ||x - r(x)||^2 its gradient
    is exactly zero, since x moves as r does. That is why published attacks of this kind look weak
    on reconstruction detectors. A low-pass is the sensible stand-in: a denoiser keeps what is
    smooth and removes what is not; see ``local_mean``.

    Args:
        module: what is computed.
        surrogate: x -> tensor of the output's shape, differentiable; None: the identity.
    """

    def __init__(
        self, module: nn.Module, surrogate: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__(module)
        self.surrogate = surrogate

    def around(self, function: Callable[..., Any], x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return the function's value with the surrogate's gradient."""
        with torch.no_grad():
            output = function(x, *args, **kwargs)
        stand_in = x if self.surrogate is None else self.surrogate(x)
        if isinstance(output, Tensor):
            return _with_gradient(output, stand_in)
        if not isinstance(output, tuple):
            raise TypeError(
                f"module must return a tensor or a tuple of them, got {type(output).__name__}"
            )
        first, rest = _with_gradient(output[0], stand_in), output[1:]
        return type(output)(first, *rest) if hasattr(output, "_fields") else (first, *rest)


def _with_gradient(value: Tensor, stand_in: Tensor) -> Tensor:
    if value.shape != stand_in.shape:
        raise ValueError(
            f"surrogate gives shape {tuple(stand_in.shape)} but the module {tuple(value.shape)}; "
            "give a surrogate whose output has the module's shape"
        )
    return value + (stand_in - stand_in.detach()).to(value.dtype)


def local_mean(size: int) -> Callable[[Tensor], Tensor]:
    """Return the low-pass that averages ``size`` x ``size`` pixels, fewer at the border.

    Shape:
        (B, C, H, W) -> the same. ``size`` must be odd and is in pixels.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size must be odd and positive, got {size}")

    def smooth(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, size, stride=1, padding=size // 2, count_include_pad=False)

    return smooth


def bypassed(
    detector: nn.Module, name: str, surrogate: Callable[[Tensor], Tensor] | None = None
) -> AbstractContextManager[nn.Module]:
    """Attack round the submodule ``name`` meanwhile, e.g. ``bypassed(detector, "denoiser")``.

    Raises:
        ValueError: there is no such submodule.
    """
    return substituted(detector, name, lambda module: BPDA(module, surrogate))
