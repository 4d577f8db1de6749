"""The gradients of anomalib's image models: as shipped, and through the adapter.

Every model that builds without a download is built small and with random weights (where a gradient
ends does not depend on them), fitted on noise where it cannot score otherwise, and its score's
gradient held against finite differences. Needs the extra ``anomalib``.

OMP_NUM_THREADS=1 .venv/bin/python benchmarks/anomalib_gradients.py [model ...]
"""

import functools
import logging
import sys
import time
import warnings
from typing import Any

import pytest
import torch
from timing import record

from hardsight.attacks import ScoreObjective, frozen, value_and_gradient
from hardsight.detectors import GradientError, Wrapped
from hardsight.detectors.adapters.anomalib import RawScores, demand, unchecked

RESNET: dict[str, Any] = {"backbone": "resnet18", "pre_trained": False}
DINO2 = {"encoder_name": "vit_small_patch14_dinov2"}
REGISTERS = {"encoder_name": "vit_small_patch14_reg4_dinov2"}
DINO3: dict[str, Any] = {"backbone": "vit_small_patch16_dinov3", "layers": [3, 6]}
GLASS = {"input_shape": (64, 64), "pretrain_embed_dim": 128, "target_embed_dim": 128}
GENERAL = {"backbone": "vit_small_patch14_dinov2", "layers": (12,), "hidden_dim": 64}
WIDE = {"student_backbone": "wide_resnet50_2", "teacher_backbone": "wide_resnet50_2"}

MODELS: dict[str, tuple[int, dict[str, Any]]] = {
    "AnomalyDINO": (56, DINO2),
    "Cfa": (64, {"backbone": "resnet18"}),
    "Cflow": (64, RESNET | {"layers": ("layer2", "layer3")}),
    "Csflow": (128, {"cross_conv_hidden_channels": 16}),
    "Dfkde": (64, RESNET | {"n_pca_components": 4}),
    "Dfm": (64, RESNET),
    "Dinomaly": (56, REGISTERS),
    "Draem": (64, {"dtd_dir": "."}),  # a folder of textures that scoring never opens
    "Dsr": (64, {}),
    "EfficientAd": (256, {}),
    "Fastflow": (64, RESNET),
    "FoundAD": (56, {}),
    "Fre": (64, RESNET | {"input_dim": 1024, "latent_dim": 16}),
    "Ganomaly": (64, {}),
    "GeneralAD": (56, GENERAL | {"pre_trained": False}),
    "Glass": (64, RESNET | GLASS | {"discriminator_hidden": 64}),
    "InpFormer": (56, REGISTERS),
    "L2BT": (56, {}),
    "MHPatchcore": (64, RESNET | {"memory_bank_size": 20, "local_coreset_size": 10}),
    "Padim": (64, RESNET),
    "Patchcore": (64, RESNET),
    "Patchflow": (64, RESNET),
    "Rad": (64, DINO3 | {"pre_trained": False}),
    "ReverseDistillation": (64, RESNET),
    "Stfpm": (64, {}),
    "SuperADD": (64, DINO3 | {"patch_size": 64, "patch_overlap": 16}),
    "Supersimplenet": (64, {"backbone": "resnet18"}),
    "Uflow": (64, {"backbone": "resnet18"}),
    "UniNet": (64, WIDE),
}
"""Model -> (side of its input, arguments of its constructor)."""
NOT_BUILT = {
    "AnomalyVFM": "fetches weights of its own when it is built",
    "CFM": "fetches weights of its own when it is built, and scores point clouds with the images",
    "VlmAd": "asks a language model through a service",
    "WinClip": "needs open_clip, which anomalib brings only with another extra",
}


def random_weights(patch: pytest.MonkeyPatch) -> None:
    """Let timm and torchvision build backbones with random weights, whatever is asked."""
    import timm
    import torchvision
    from anomalib.models.image.csflow import torch_model as csflow

    create = timm.create_model

    def untrained(*args: Any, **settings: Any) -> torch.nn.Module:
        return create(*args, **settings | {"pretrained": False})

    def plain(build: Any) -> Any:
        return functools.wraps(build)(lambda *args, **settings: build(weights=None))

    patch.setattr(timm, "create_model", untrained)
    for name in ("resnet18", "wide_resnet50_2"):
        patch.setattr(torchvision.models, name, plain(getattr(torchvision.models, name)))
    patch.setattr(csflow, "efficientnet_b5", plain(torchvision.models.efficientnet_b5))


def build(name: str) -> Any:
    """Build a model for small images and fit it, by its own methods, if it must be."""
    import anomalib.models
    from anomalib.data import ImageBatch
    from anomalib.pre_processing import PreProcessor
    from torchvision.transforms.v2 import Compose, Normalize, Resize

    size, settings = MODELS[name]
    normalise = Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    transform = Compose([Resize((size, size), antialias=True), normalise])
    torch.manual_seed(0)
    module = getattr(anomalib.models, name)(pre_processor=PreProcessor(transform), **settings)
    normals = torch.rand(8, 3, size, size, generator=torch.Generator().manual_seed(1))
    batches = [
        ImageBatch(image=transform(part), gt_label=torch.zeros(len(part), dtype=torch.bool))
        for part in normals.split(4)
    ]
    if name == "Cfa":
        module.model.initialize_centroid(batches)
    elif hasattr(module, "_is_fitted"):
        for _ in range(3 if name == "MHPatchcore" else 1):  # passes over the training images
            module.model.train()
            for i, batch in enumerate(batches):
                module.training_step(batch, i)
            module.fit()
    return module


def gradient(detector: Wrapped, images: torch.Tensor) -> torch.Tensor | str:
    """The gradient of the score, or why none can be computed."""
    objective = ScoreObjective(detector, torch.zeros(len(images), dtype=torch.bool))
    try:
        with frozen(detector):
            return value_and_gradient(objective, images)[1]
    except (ValueError, RuntimeError) as error:
        return str(error).split(":")[0].split(";")[0]


def compare(shipped: torch.Tensor | str, exact: torch.Tensor | str) -> str:
    """Say in a few words what the gradient as shipped is worth."""
    if isinstance(shipped, str):
        return f"none: {shipped}"
    if not shipped.any():
        return "zero"
    if isinstance(exact, str) or not exact.any():
        return "false: there is none"
    cosine = float(torch.cosine_similarity(shipped.flatten(), exact.flatten(), dim=0))
    length = float(shipped.norm() / exact.norm())
    full = abs(cosine - 1) < 1e-3 and abs(length - 1) < 1e-2
    return "full" if full else f"partial (cosine {cosine:.3f})"


def examined(module: Any, images: torch.Tensor, detector: Wrapped | None = None) -> dict[str, Any]:
    """Say what the gradient of a fitted module is worth, as shipped and through the adapter.

    Args:
        module: of anomalib.
        images: (1, 3, H, W) in [0, 1] on which it is compared with finite differences.
        detector: the module through the adapter; None: it is built here.
    """
    restored = unchecked(module, images.shape[-1]) if detector is None else detector
    shipped = gradient(unchecked(module, images.shape[-1], restore=False), images)
    row: dict[str, Any] = {"as shipped": compare(shipped, gradient(restored, images))}
    try:
        found = demand(restored, images, type(module).__name__)
    except GradientError as error:
        return row | {"adapter": f"refused: {error}"}
    return row | {
        "adapter": "accepted",
        "share of pixels reached": found.reached,
        "error along the gradient": found.along,
        "missing": found.missing,
        "precision": str(found.dtype).removeprefix("torch."),
    }


def audit(name: str) -> dict[str, object]:
    """Return the row of a model."""
    begun = time.perf_counter()
    module = build(name)
    size = RawScores(module).resized[0]
    images = 0.2 + 0.6 * torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(2))
    restored = unchecked(module)
    described = {
        "image size": size,
        "makes maps": restored.has_maps,
        "scored singly": restored.singly,
    }
    found = examined(module, images, restored)
    return found | described | {"seconds": round(time.perf_counter() - begun, 1)}


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    names = sys.argv[1:] or list(MODELS)
    rows: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        random_weights(patch)
        for name in names:
            rows[name] = audit(name)
            print(f"{name:<22} {rows[name]}", flush=True)
    if names == list(MODELS):
        rows |= {name: f"not built: {reason}" for name, reason in NOT_BUILT.items()}
        import anomalib

        record("anomalib_gradients", rows | {"anomalib": anomalib.__version__}, torch.device("cpu"))


if __name__ == "__main__":
    main()
