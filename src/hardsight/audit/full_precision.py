"""A detector's arithmetic in full precision, whatever it asks for."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

NARROW = (torch.float16, torch.bfloat16)
_NARROWING = (Tensor.half, Tensor.bfloat16)


class FullPrecision(TorchFunctionMode):
    """Inside this context autocast is off, and casts to 16 bits give 32, in this thread alone.

    What is stored in 16 bits, such as the weights of a module made ``half()``, stays as it is.

    Args:
        device: type of the device whose autocast is switched off, e.g. "cpu".
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call ``func`` outside autocast."""
        if func in _NARROWING:
            return args[0] if args[0].dtype == torch.float64 else args[0].float()
        kwargs = {name: _wide(value) for name, value in (kwargs or {}).items()}
        with torch.autocast(self.device, enabled=False):
            return func(*map(_wide, args), **kwargs)


def _wide(value: Any) -> Any:
    """Return float32 for a 16-bit dtype, and anything else as it is."""
    return torch.float32 if isinstance(value, torch.dtype) and value in NARROW else value
