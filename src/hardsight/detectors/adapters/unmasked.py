"""Scoring code that switches its gradients off, run with its gradients on."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SWITCH = torch._C._set_grad_enabled  # what no_grad, enable_grad and set_grad_enabled all call
_DETACH = (Tensor.detach, Tensor.detach_, torch.detach)
_LEAVE = (Tensor.numpy, Tensor.__array__)


class Unmasked(TorchFunctionMode):
    """Inside this context nothing switches gradients off, in the calling thread alone.

    ``no_grad`` and ``set_grad_enabled``, as blocks or decorators, keep gradients as they were at
    the entry; ``detach`` returns the tensor itself; what ``inference_mode`` wraps is computed
    outside of it. None of them changes a value, so the scores stay the same and the gradient
    becomes that of the function computed. What passes through NumPy, or a straight-through
    estimator, has no such gradient: hold the result against finite differences
    (``hardsight.detectors.adapters.agreement``).

    Examples:
        >>> import torch
        >>> from hardsight.detectors.adapters.unmasked import Unmasked
        >>> @torch.no_grad()
        ... def score(images):
        ...     return images.detach().square().sum((1, 2, 3))
        >>> x = torch.ones(1, 3, 2, 2, requires_grad=True)
        >>> score(x).requires_grad
        False
        >>> with Unmasked():
        ...     score(x).requires_grad
        True
    """

    def __enter__(self) -> "Unmasked":
        self.recording = torch.is_grad_enabled()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call ``func``, unless it is one that switches gradients off."""
        kwargs = kwargs or {}
        if func is _SWITCH:
            return None
        if func in _DETACH:
            return args[0] if args else kwargs["input"]
        out = kwargs.get("out")
        if isinstance(out, Tensor) and self.recording:  # autograd knows copies, and no out=
            return out.copy_(func(*args, **{k: v for k, v in kwargs.items() if k != "out"}))
        if func in _LEAVE:  # NumPy takes no tensor with a gradient
            args = (args[0].detach(), *args[1:])
        if torch.is_inference_mode_enabled():
            with torch.inference_mode(False), torch.set_grad_enabled(self.recording):
                return func(*args, **kwargs)
        return func(*args, **kwargs)
