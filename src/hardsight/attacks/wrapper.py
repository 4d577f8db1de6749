"""Standing in for a part of a model without changing what it computes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class Wrapper(nn.Module, ABC):
    """Passes calls, and those of ``predict``, through ``around``; settings are the module's own.

    Other methods of the module are refused: they would go round the wrapper unseen.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.training = module.training

    @abstractmethod
    def around(self, function: Callable[..., Any], x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return ``function(x, *args, **kwargs)``, with whatever else the wrapper is for."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self.around(self.module, x, *args, **kwargs)

    def predict(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Call the module's ``predict``, which denoisers have."""
        return self.around(self.module.predict, x, *args, **kwargs)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        if name in self._modules or name in self._parameters or name in self._buffers:
            return super().__getattr__(name)
        value = getattr(super().__getattr__("module"), name)
        if callable(value):
            raise AttributeError(
                f"{type(self).__name__} passes on calls and predict(), not {name}(); "
                "wrap the submodule that it calls instead"
            )
        return value


@contextmanager
def substituted(
    model: nn.Module, name: str, wrap: Callable[[nn.Module], nn.Module]
) -> Iterator[nn.Module]:
    """Put ``wrap(module)`` in the place of the submodule ``name`` meanwhile, and yield it.

    Args:
        model: owns the submodule.
        name: dotted, as in ``model.named_modules()``.
        wrap: module -> module.

    Raises:
        ValueError: there is no such submodule.
    """
    known = dict(model.named_modules())
    if not name or name not in known:
        children = ", ".join(n for n, _ in model.named_children()) or "none"
        raise ValueError(f"name={name!r} is no submodule of the model; it has: {children}")
    parent, _, leaf = name.rpartition(".")
    original, substitute = known[name], wrap(known[name])
    setattr(known[parent], leaf, substitute)
    try:
        yield substitute
    finally:
        setattr(known[parent], leaf, original)
