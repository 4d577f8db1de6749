"""A backbone's weights inside anomalib's own models, so that they run on real features offline."""

from typing import Any

import torch

from hardsight.backbones import Backbone

EXTRACTORS = ("feature_extractor", "teacher_model", "encoder")
"""What anomalib's models call the part that holds a pretrained network of timm's."""


@torch.no_grad()
def load_features(module: Any, backbone: Backbone) -> None:
    """Give an anomalib model the pretrained network of a backbone, and its normalisation.

    The model is built without weights of its own on the same network and levels, e.g.
    ``Patchcore(backbone=backbone.name, layers=backbone.taps, pre_trained=False)``.

    Args:
        module: an AnomalibModule whose features are those of a network of timm's.
        backbone: with its weights, see ``Backbone.pretrained``.

    Raises:
        ValueError: features of another network, or a pre-processor that does not normalise.
    """
    from torchvision.transforms.v2 import Compose, Normalize

    extractors = (getattr(module.model, name, None) for name in EXTRACTORS)
    extractor = next((found for found in extractors if found is not None), None)
    network: Any = getattr(extractor, "feature_extractor", None)
    own = backbone.network.state_dict()
    given = {} if network is None else network.state_dict()
    if {k: w.shape for k, w in own.items()} != {k: w.shape for k, w in given.items()}:
        raise ValueError(
            f"{type(module).__name__} has not the features of {backbone}; build it with "
            f"backbone={backbone.name!r}, layers={list(backbone.taps)} and pre_trained=False"
        )
    network.load_state_dict(own)
    transform = getattr(module.pre_processor, "transform", module.pre_processor)
    steps = transform.transforms if isinstance(transform, Compose) else [transform]
    normalising = [step for step in steps if isinstance(step, Normalize)]
    if len(normalising) != 1:
        raise ValueError(
            f"the transform of {type(module).__name__} must normalise once, it does so "
            f"{len(normalising)} times; give it a PreProcessor with one Normalize"
        )
    normalising[0].mean = backbone.mean.flatten().tolist()
    normalising[0].std = backbone.std.flatten().tolist()
