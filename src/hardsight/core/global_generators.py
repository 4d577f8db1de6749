"""Torch's own random generators, for what draws from no other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def kept_generators(*devices: torch.device) -> Iterator[None]:
    """Leave the generators of the CPU, and of those devices that are GPUs, as they were."""
    with torch.random.fork_rng([d for d in dict.fromkeys(devices) if d.type == "cuda"]):
        yield


def seed_generators(seed: int, *devices: torch.device) -> None:
    """Seed the generators of the CPU and of devices, where ``torch.manual_seed`` takes all GPUs."""
    torch.default_generator.manual_seed(seed)
    for device in devices:
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
