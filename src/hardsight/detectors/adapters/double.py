"""A module in double precision for a while: where finite differences tell right from wrong."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class DoubleConstants(TorchFunctionMode):
    """Inside this context constants made without a dtype are float64, in this thread alone.

    A module made ``double()`` would else round its results where it adds them to ``zeros(...)``.
    """

    MAKERS = (
        torch.zeros,
        torch.ones,
        torch.full,
        torch.empty,
        torch.tensor,
        torch.eye,
        torch.arange,
        torch.linspace,
    )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call ``func``, and widen the constant if it makes one without saying how wide."""
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        widen = func in self.MAKERS and kwargs.get("dtype") is None
        return made.double() if widen and made.is_floating_point() else made


@contextmanager
def double_precision(module: nn.Module) -> Iterator[None]:
    """Let a module compute in float64 meanwhile, its weights as they are, and then as before."""
    weights = [(p, p.data, p.grad) for p in module.parameters()]
    buffers = [(m, name, b) for m in module.modules() for name, b in m.named_buffers(recurse=False)]
    for p, _, _ in weights:
        p.grad = None  # or it would be converted in place
    module.double()
    try:
        with DoubleConstants():
            yield
    finally:
        for p, data, grad in weights:
            p.data = data
            p.grad = grad
        for m, name, buffer in buffers:
            setattr(m, name, buffer)
