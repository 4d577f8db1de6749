"""Anomalib's image models as detectors, with the exact gradient of their raw scores.

Imported without anomalib, which is an extra: ``pip install 'hardsight[anomalib]'``.
"""

import inspect
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.types import Detection
from hardsight.detectors.adapters.agreement import Agreement, GradientError, demand_gradient
from hardsight.detectors.adapters.unmasked import Unmasked
from hardsight.detectors.adapters.wrapped import Wrapped

SINGLY = ("Cflow",)
"""Models whose scores depend on the batch, here on its largest likelihood: scored one by one."""
OVERWRITING = ("Dsr", "Rad")
"""Models that write over what a gradient needs: it is copied first, at the price of memory."""


class RawScores(nn.Module):
    """What an anomalib model says of images in [0, 1], before its post-processor.

    The post-processor rescales scores by the validation set and clamps them to [0, 1], where the
    gradient ends. Resizing, cropping and normalisation are those of ``Engine.test``, antialiased.

    Args:
        module: a fitted AnomalibModule; its model and its transform are kept.
        restore: False leaves the gradient as shipped, to measure what was wrong with it.
    """

    def __init__(self, module: Any, restore: bool = True) -> None:
        super().__init__()
        self.title, self.restore = type(module).__name__, restore
        self.overwrites = type(module).__name__ in OVERWRITING
        self.model = module.model
        self.transform = transform_of(module.pre_processor)
        self.resized, self.cropped = _sizes(self.transform)

    def forward(self, images: Tensor) -> Detection:
        """Return raw scores (B,) and maps (B, 1, h, w) of images, or None if there are none."""
        x = images.clone() if self.transform is None else self.transform(images)
        with self._restored():
            found = self.model(x)
        maps = found.anomaly_map
        if maps is not None and self.cropped is not None and self.resized is not None:
            maps = maps.unsqueeze(1) if maps.ndim == 3 else maps
            maps = _uncrop(maps, self.cropped, self.resized)
        return Detection(found.pred_score, maps)

    def _restored(self) -> AbstractContextManager[Any]:
        if not self.restore:
            return nullcontext()
        stack = ExitStack()
        stack.enter_context(Unmasked())
        if self.overwrites:
            copies = torch.autograd.graph.saved_tensors_hooks(Tensor.clone, lambda x: x)
            stack.enter_context(copies)
        return stack


def is_anomalib(thing: Any) -> bool:
    """Tell whether something is an anomalib model, without importing anomalib."""
    if "anomalib" not in sys.modules:
        return False
    from anomalib.models.components import AnomalibModule

    return isinstance(thing, AnomalibModule)


def anomalib_detector(
    source: Any,
    image_size: int | None = None,
    *,
    model: str | None = None,
    images: Tensor | None = None,
) -> Wrapped:
    """Return an anomalib image model as a detector, or refuse it.

    As shipped most of these models give no gradient, or only a part of it. Here it is restored, and
    held against finite differences before the detector is handed out.

    Args:
        source: a fitted AnomalibModule, or the path of its Lightning checkpoint.
        image_size: height and width at which images are scored and attacked; None: what the model
            resizes images to.
        model: class name of the checkpoint's model, such as "Patchcore".
        images: (B, 3, image_size, image_size) in [0, 1] on which the gradient is compared; None
            takes one of noise. Real ones say more.

    Raises:
        GradientError: no gradient, or not the one that finite differences find.
        TypeError: not an anomalib model, or a model for other inputs than images.
        ValueError: an unknown model, an image_size that cannot be told, or scores that are random
            or depend on the batch.
    """
    module = _load(source, model) if isinstance(source, str | Path) else source
    if not is_anomalib(module):
        raise TypeError(f"source must be an anomalib model or a path, got {type(source).__name__}")
    detector = unchecked(module, image_size)
    demand(detector, images, type(module).__name__)
    return detector


def unchecked(module: Any, image_size: int | None = None, restore: bool = True) -> Wrapped:
    """Return the detector without comparing its gradient, to measure the gradient itself."""
    raw = RawScores(module, restore)
    size = image_size if image_size is not None else _square(raw.resized)
    return Wrapped(raw, size, singly=type(module).__name__ in SINGLY)


def demand(detector: Wrapped, images: Tensor | None, name: str) -> Agreement:
    """Return the agreement of the detector's gradient, or say which model is refused and why.

    Raises:
        GradientError: the gradient is not exact.
    """
    if images is None:
        shape = (1, 3, detector.image_size, detector.image_size)
        images = 0.2 + 0.6 * torch.rand(shape, generator=torch.Generator().manual_seed(0))
    x = detector.check(images.to(detector.device))
    generator = torch.Generator(detector.device).manual_seed(0)
    try:
        return demand_gradient(detector, x, generator)
    except GradientError as error:
        raise GradientError(f"{name} is refused: {error}") from error


def _load(path: str | Path, name: str | None) -> Any:
    """Read a checkpoint, the backbone from it as well: nothing is downloaded for it."""
    import anomalib.models

    found = getattr(anomalib.models, name or "", None)
    if not inspect.isclass(found):
        raise ValueError(f"model={name!r} is not a class of anomalib.models, such as 'Patchcore'")
    if not Path(path).is_file():
        raise FileNotFoundError(f"source={str(path)!r} is not a file; give the .ckpt of Engine.fit")
    flags = {"pre_trained": False} if "pre_trained" in inspect.signature(found).parameters else {}
    return cast(Any, found).load_from_checkpoint(path, **flags)


def transform_of(pre_processor: Any) -> Any:
    """Return the transform of a pre-processor of anomalib, or the module that stands in for one."""
    from anomalib.pre_processing import PreProcessor

    return pre_processor.transform if isinstance(pre_processor, PreProcessor) else pre_processor


def _sizes(transform: Any) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return the (height, width) a transform resizes to, and crops to afterwards."""
    from torchvision.transforms.v2 import CenterCrop, Compose, Resize

    resized = cropped = None
    for step in transform.transforms if isinstance(transform, Compose) else [transform]:
        if isinstance(step, Resize) and step.size is not None and len(step.size) == 2:
            resized, cropped = tuple(step.size), None
        elif isinstance(step, CenterCrop):
            cropped = tuple(step.size)
    return resized, cropped


def _uncrop(maps: Tensor, cropped: tuple[int, int], resized: tuple[int, int]) -> Tensor:
    """Put the maps of a centre crop where the crop was; round it stands each map's smallest value.

    Shape:
        (B, 1, h, w) -> (B, 1, *resized).
    """
    maps = F.interpolate(maps, size=cropped, mode="bilinear", align_corners=False)
    top, left = ((r - c) // 2 for r, c in zip(resized, cropped, strict=True))
    bottom, right = resized[0] - cropped[0] - top, resized[1] - cropped[1] - left
    low = maps.amin((-2, -1), keepdim=True)
    whole: Tensor = F.pad(maps - low, (left, right, top, bottom)) + low
    return whole


def _square(resized: tuple[int, int] | None) -> int:
    """Return the side of the images a model resizes to."""
    if resized is None or resized[0] != resized[1]:
        raise ValueError(
            f"image_size=None, but the model resizes images to {resized}; say at which height and "
            "width in pixels it is to be scored and attacked"
        )
    return resized[0]
