"""Anybody else's classifiers: TorchScript, ONNX, RobustBench."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from hardsight.core.extras import needed


def torchscript_classifier(path: str | Path) -> nn.Module:
    """Return the TorchScript module of a file; it has a gradient unless it was made without.

    Args:
        path: of a module images (B, C, H, W) in [0, 1] -> logits (B, K).
    """
    return cast(nn.Module, torch.jit.load(str(path), map_location="cpu")).eval()  # type: ignore[no-untyped-call]


def onnx_classifier(path: str | Path) -> Callable[[Tensor], Tensor]:
    """Return an ONNX model as a function; needs ``pip install onnxruntime``.

    It has no gradient: attack it by queries (Square), or craft the attack on another classifier
    and transfer it (the suite "grey-box").

    Args:
        path: of a model with one input, images (B, C, H, W) in [0, 1], and logits (B, K) as its
            first output.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    runtime = needed("onnxruntime", "onnxruntime", f"classifying by {Path(path).name}")
    session: Any = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def classify(images: Tensor) -> Tensor:
        values = images.detach().cpu().float().numpy()
        return torch.from_numpy(session.run(None, {name: values})[0]).to(images.device)

    return classify


def robustbench_classifier(
    name: str, threat_model: str = "Linf", dataset: str = "cifar10", folder: str | Path = "models"
) -> nn.Module:
    """Return a model of RobustBench; needs its package. Downloads weights if ``folder`` has none.

    Args:
        name: as in its table, e.g. "Wang2023Better_WRN-28-10".
        threat_model: "Linf", "L2" or "corruptions".
        dataset: "cifar10", "cifar100" or "imagenet".
        folder: of the weights.

    Raises:
        ImportError: robustbench is not installed.
    """
    utils = needed(
        "robustbench.utils",
        "git+https://github.com/RobustBench/robustbench",
        f"RobustBench's {name}",
    )
    model = utils.load_model(
        model_name=name, model_dir=str(folder), dataset=dataset, threat_model=threat_model
    )
    return cast(nn.Module, model).eval()
