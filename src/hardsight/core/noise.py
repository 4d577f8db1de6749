"""Where randomness comes from, when many things draw it in any order."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """One seed's generators, by purpose: what else was drawn, and when, changes none of them."""

    seed: int
    device: torch.device

    def generator(self, purpose: str, start: int = 0) -> torch.Generator:
        """Return the generator for a purpose, of the batch that starts at image ``start``."""
        digest = hashlib.sha256(f"{self.seed}/{purpose}/{start}".encode()).digest()
        return torch.Generator(self.device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def check_noise(noise: Tensor, images: Tensor) -> Tensor:
    """Return noise (B, ...) if it is of as many images (B, C, H, W), else explain.

    Raises:
        ValueError: noise of more images or fewer, which would be repeated or left out unseen.
    """
    if len(noise) != len(images):
        raise ValueError(
            f"noise is for {len(noise)} images, got {len(images)}; draw it with "
            "sample_noise(images)"
        )
    return noise
