"""Whatever scores images, as a detector."""

from typing import Any, Protocol, runtime_checkable

from hardsight.detectors.adapters.anomalib import anomalib_detector, is_anomalib
from hardsight.detectors.adapters.wrapped import Wrapped
from hardsight.detectors.base import Detector


@runtime_checkable
class DetectorModule(Protocol):
    """An anomalib model that trains a detector of this project."""

    @property
    def detector(self) -> Detector:
        """The detector, as it is trained so far."""
        ...


def as_detector(thing: Any, image_size: int | None = None) -> Detector:
    """Return a detector, an anomalib model, a module or a function as a detector.

    A Detector comes back as it is. An anomalib model gets its exact gradient back, or is refused
    (``adapters.anomalib``). Any other module or function is wrapped: see ``Wrapped`` for
    what it may return, and for models that need resizing, normalisation or a seed.

    Args:
        thing: Detector, anomalib model, nn.Module or function.
        image_size: height and width of the images; needed for all but the first two.

    Raises:
        TypeError: not something that scores images.
        ValueError: no image_size, or another than the detector's; or as ``Wrapped``.
        GradientError: an anomalib model whose gradient cannot be restored.

    Examples:
        >>> import torch
        >>> from hardsight.detectors import as_detector
        >>> detector = as_detector(lambda images: images.mean((1, 2, 3)), image_size=8)
        >>> detector(torch.full((1, 3, 8, 8), 0.25)).pred_score
        tensor([0.2500])
    """
    if isinstance(thing, Detector):
        if image_size not in (None, thing.image_size):
            raise ValueError(
                f"image_size={image_size}, but the detector takes {thing.image_size}; leave it out"
            )
        return thing
    if is_anomalib(thing):
        if isinstance(thing, DetectorModule) and isinstance(thing.detector, Detector):
            return as_detector(thing.detector, image_size)
        return anomalib_detector(thing, image_size)
    if not callable(thing) or isinstance(thing, type):
        raise TypeError(
            f"a detector must be a Detector, an anomalib model, a module or a function of images, "
            f"got {thing!r:.80}"
        )
    if image_size is None:
        raise ValueError("image_size=None; say which height and width in pixels it scores")
    return Wrapped(thing, image_size)
