"""What a foreign model returns, as scores and maps."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Prediction(Protocol):
    """Scores and maps as anomalib's ``InferenceBatch`` names them; one of them may be None."""

    pred_score: Tensor | None
    """(B,), or (B, 1)."""
    anomaly_map: Tensor | None
    """(B, 1, h, w), or (B, h, w)."""


def read_output(output: Any, n: int) -> tuple[Tensor, Tensor | None]:
    """Read scores (n,) and maps (n, 1, h, w) from the output of a model for ``n`` images.

    Args:
        output: scores, (scores, maps) or a ``Prediction``; scores that are missing are the maps'
            maxima.
        n: images that the model was given.

    Returns:
        The scores, and the maps or None.

    Raises:
        TypeError: an output of another type, or scores that are no real numbers.
        ValueError: an output of another shape.
    """
    if isinstance(output, Prediction):
        score, maps = output.pred_score, output.anomaly_map
    elif isinstance(output, tuple) and len(output) == 2:
        score, maps = output
    else:
        score, maps = output, None
    if isinstance(maps, Tensor):
        maps = maps.unsqueeze(1) if maps.ndim == 3 else maps
        if maps.ndim != 4 or maps.shape[:2] != (n, 1):
            raise ValueError(f"maps must be (B, 1, h, w) of {n} images, got {tuple(maps.shape)}")
        score = maps.flatten(1).amax(1) if score is None else score
    if not isinstance(score, Tensor) or not isinstance(maps, Tensor | None):
        raise TypeError(
            "model must return scores, (scores, maps) or an object with pred_score and "
            f"anomaly_map, got {type(output).__name__}; wrap it in a function that does"
        )
    if score.dtype == torch.bool or score.is_complex():
        raise TypeError(
            f"scores must be numbers that rise with the defect, got {score.dtype}; return what was "
            "compared with a threshold, not the answer"
        )
    if score.numel() != n or score.shape[:1] != (n,):
        hint = ""
        if score.ndim == 2:
            hint = "; logits of classes are a classifier's, see evaluate_classifier"
        elif score.ndim > 2:
            hint = "; return a map alone as Detection(None, map), which scores it by its maximum"
        raise ValueError(f"scores must be ({n},) for {n} images, got {tuple(score.shape)}{hint}")
    return score.flatten(), maps
