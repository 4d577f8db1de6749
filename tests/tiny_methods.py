"""Every registered method at sizes of a few pixels, with a fit of one or two steps."""

from pathlib import Path
from typing import Any

from hardsight.config import Config
from hardsight.detectors.methods import METHODS

TRAINING = {
    "steps": 1,
    "batch_size": 2,
    "ema_decay": 0.5,
    "sample_every": None,
    "precision": "32-true",
    "accelerator": "cpu",
}
BACKBONE = {"name": "test_resnet", "weights": "random", "taps": [0, 1], "precision": "fp32"}
ON_FEATURES = {"backbone": BACKBONE, "image_size": 32}
IN_SINGLE = ON_FEATURES | {"precision": "fp32"}
BANK = ON_FEATURES | {"sigma": 1.0}
AUTOENCODER = {
    "network": {"channels": 4, "widest": 8, "levels": 2, "latent": 4},
    "image_size": 16,
    "filter_size": 3,
    "precision": "fp32",
}
DENOISER = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}
DIFFUSION = {"denoiser": DENOISER, "image_size": 16, "filter_size": 3, "precision": "fp32"}
VIT = {
    "architecture": "vit_tiny_patch16_224",
    "patch_size": 8,
    "embed_dim": 24,
    "depth": 2,
    "num_heads": 2,
}

TINY: dict[str, dict[str, Any]] = {
    "advrad": {"detector": DIFFUSION},
    "bastion": {
        "detector": DIFFUSION | {"head": {"channels": 8, "multipliers": [1, 1], "patch": 2}},
        "map_head_training": {"steps": 1, "warm_up": 1, "attack_steps": 1, "smallest": 0.2},
    },
    "patchguard": {
        "detector": {"backbone": VIT, "image_size": 32, "k": 3, "sigma": 1.0, "radius": 2}
        | {"precision": "fp32"},
        "recipe": {"adversary": {"steps": 1}, "foreground": "all"},
    },
    "patchcore": {"detector": BANK | {"bank": 40}, "candidates": 80, "projection": None},
    "padim": {"detector": BANK | {"channels": 8}},
    "spade": {"detector": BANK | {"retrieved": 3}},
    "cfa": {"detector": BANK | {"adapted": 8}},
    "fastflow": {"detector": IN_SINGLE | {"blocks": 2, "sigma": 1.0}},
    "cflow": {"detector": IN_SINGLE | {"blocks": 2, "sigma": 1.0, "condition": 4}},
    "stfpm": {"detector": IN_SINGLE},
    "reverse-distillation": {"detector": IN_SINGLE | {"blocks": 1}},
    "efficient-ad": {
        "detector": IN_SINGLE | {"image_size": 64, "width": 8},
        "teaching": TRAINING,
    },
    "recontrast": {"detector": IN_SINGLE | {"blocks": 1}},
    "dinomaly": {"detector": IN_SINGLE | {"width": 8, "depth": 2, "heads": 2}},
    "simplenet": {"detector": IN_SINGLE | {"hidden": 8}},
    "glass": {"detector": IN_SINGLE | {"hidden": 8}, "global_anomalies": {"steps": 1}},
    "draem": {
        "detector": {"image_size": 16, "reconstructive": 8, "discriminative": 8, "levels": 1}
        | {"patch": 2, "filter_size": 3, "precision": "fp32"},
    },
    "rae": {"detector": AUTOENCODER},
    "apae": {"detector": AUTOENCODER | {"steps": 2}},
    "pls": {
        "detector": AUTOENCODER | {"vector_components": 2, "spatial_components": 3},
        "adversary": {"steps": 1},
    },
    "ocr-gan": {"detector": AUTOENCODER},
}
"""Name of a method -> the settings of its tiny variant."""


def tiny_config(method: str, data: Path) -> Config:
    """Return the configuration of a short run of a method."""
    training = TRAINING if METHODS[method].config.trains else {"steps": 0}
    values = {"method": method, "training": training, "data": {"path": str(data)}}
    return Config.parse(values | TINY[method], method)
