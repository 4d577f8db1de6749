"""In which precision this machine computes a network fastest: measured once a process."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, NamedTuple

import torch

from hardsight.core.convolutions import layers, now, step

Choice = Literal["auto", "bf16", "fp32"]
"""bfloat16 autocast or float32; "auto": the faster of them on this machine, see ``resolve``."""
CLEARLY = 1.15
"""Times that bfloat16 must be faster to be taken: it rounds, and a measurement varies."""
_MEASURED = {"cpu": "CPU", "cuda": "GPU"}
_ROUNDS = 4
_SIDES = (16, 64)
"""Sides of the feature maps measured: small ones first, that a slow bfloat16 shows in no time."""


class Precision(NamedTuple):
    """A precision and why it was taken."""

    name: Literal["bf16", "fp32"]
    why: str

    @property
    def low(self) -> bool:
        """Whether it is bfloat16."""
        return self.name == "bf16"


_FASTEST: dict[str, Precision] = {}
"""What "auto" means on each type of device, once it is known."""


def resolve(choice: Choice, device: torch.device) -> Precision:
    """Return the precision that ``choice`` means on a device.

    Raises:
        ValueError: another word than those of ``Choice``.
    """
    if choice == "auto":
        if device.type not in _FASTEST:
            _FASTEST[device.type] = _fastest(device.type)
        return _FASTEST[device.type]
    if choice not in ("bf16", "fp32"):
        raise ValueError(f'precision must be "auto", "bf16" or "fp32", got {choice!r}')
    return Precision(choice, "as set")


def autocast(choice: Choice, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes in the precision that ``choice`` means."""
    return torch.autocast(device.type, torch.bfloat16, enabled=resolve(choice, device).low)


def without_autocast(device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which an autocast that may be on rounds nothing to 16 bits."""
    known = torch.amp.is_autocast_available(device.type)  # not of "meta", which has no autocast
    return torch.autocast(device.type, enabled=False) if known else nullcontext()


def adopt(fastest: Mapping[str, Precision]) -> None:
    """Take what "auto" means on types of device from elsewhere, whatever is measured here."""
    _FASTEST.update(fastest)


def _fastest(kind: str) -> Precision:
    """Measure the fastest precision on a type of device, e.g. "cpu"."""
    if kind not in _MEASURED:
        return Precision("fp32", f"bfloat16 is not measured on {kind}")
    if kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return Precision("fp32", "the GPU does not compute in bfloat16")
    with ThreadPoolExecutor(1) as other:  # where no autocast or no_grad of the caller reaches
        ratio = other.submit(_speedup, kind).result()
    measured = f"{ratio:.2g} times as fast as float32 on this {_MEASURED[kind]} (measured)"
    if ratio < CLEARLY:
        return Precision("fp32", f"bfloat16 is only {measured}")
    return Precision("bf16", f"bfloat16 is {measured}")


def _speedup(kind: str) -> float:
    """Return the time of float32 over that of bfloat16, for convolutions as the networks have.

    On a CPU it is the processor time of one thread: a busy neighbour changes the clock, not the
    answer. On a GPU, where small networks wait for launches and autocast adds some, the clock's.
    """
    threads, ratio = torch.get_num_threads(), 1.0
    torch.set_num_threads(1)
    try:
        for side in _SIDES:
            x, *weights = layers(side, kind)
            times: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(_ROUNDS):
                for low, taken in times.items():
                    begun = now(kind)
                    step(x, weights, low)
                    taken.append(now(kind) - begun)
            ratio = min(times[False]) / min(times[True])
            if ratio < 0.5:
                break
    finally:
        torch.set_num_threads(threads)
    return ratio
