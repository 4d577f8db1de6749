"""Which device computes."""

import re

import torch

KNOWN = re.compile(r"auto|cpu|cuda(:\d+)?|mps")


def pick_device(name: str) -> torch.device:
    """Return the device called ``name``; "auto" takes an accelerator where there is one.

    Raises:
        ValueError: not known, or not a device of this machine.
    """
    if not KNOWN.fullmatch(name):
        raise ValueError(f"device={name!r} is not known; choose auto, cpu, cuda, cuda:N or mps")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device={name!r} is not to be had here ({error}); use cpu") from None
    return device
