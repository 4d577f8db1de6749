import torch

from hardsight.detectors.patchguard import PatchGuard

TINY = {
    "name": "vit",
    "architecture": "vit_tiny_patch16_224",
    "patch_size": 8,
    "embed_dim": 24,
    "depth": 3,
    "num_heads": 2,
}


def tiny_patchguard(size: int = 32, **settings) -> PatchGuard:
    """A seeded, untrained PatchGuard of 32 x 32 pixels in 16 patches, in single precision."""
    settings = {"backbone": TINY, "k": 3, "sigma": 1.0, "radius": 2, "precision": "fp32"} | settings
    return PatchGuard(image_size=size, **settings).eval()


def images(n: int = 3, size: int = 32, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(5), dtype=dtype)
