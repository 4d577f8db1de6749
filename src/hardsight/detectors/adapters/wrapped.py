"""Any scoring function as a detector."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.core.types import Detection
from hardsight.detectors.base import Detector


class Wrapped(Detector):
    """A module or a function that scores images, as a detector.

    Resizing and normalisation are part of the detector, so that an attack goes through them and
    its ``eps`` is stated at ``image_size``. Nothing clamps, detaches or rounds on the way. At
    construction the model is called on two grey images to see whether it keeps the contract: every
    score its image's own, and no randomness but the noise. Where it makes no maps (``has_maps`` is
    then false) each map is filled with its image's score.

    Args:
        model: images (B, 3, H, W) -> scores (B,), or (scores, maps), or an object with
            ``pred_score`` and ``anomaly_map`` of which one may be None; maps (B, 1, h, w) or
            (B, h, w) of any size. One with randomness offers ``sample_noise(images, generator)``
            and takes (images, noise), as a Detector does; or see ``seeded``.
        image_size: height and width in pixels of the images that are scored, and attacked.
        input_size: (height, width) that the model takes, or a number for both; None: as they come.
        mean: (3,) subtracted from the channels before the model.
        std: (3,) by which they are then divided.
        draws: noise draws that the model itself averages in one score.
        seeded: for a model that draws from torch's global generators: the noise is one seed per
            image, under which the model scores it alone.
        singly: score each image alone, for a model whose scores depend on the rest of the batch.

    Raises:
        TypeError: an output of another kind.
        ValueError: an output of another shape; or scores that change from call to call or with the
            batch, and neither noise, ``seeded`` nor ``singly`` says how.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: Callable[..., Any],
        image_size: int,
        *,
        input_size: int | tuple[int, int] | None = None,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        draws: int = 1,
        seeded: bool = False,
        singly: bool = False,
    ) -> None:
        super().__init__()
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f"mean and std must be 3 numbers, std > 0, got {mean} and {std}")
        self.model = model  # registered if it is a module
        self.image_size = image_size
        size = image_size if input_size is None else input_size
        self.input_size = (size, size) if isinstance(size, int) else size
        self.draws, self.seeded, self.singly = draws, seeded, singly
        like = next(self.parameters(), next(self.buffers(), torch.empty(0)))
        like = like if like.is_floating_point() else like.float()
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, like.new_tensor(values).view(1, 3, 1, 1), persistent=False)
        self._examine()

    @property
    def settings(self) -> dict[str, Any]:
        """What was wrapped, and how."""
        name = getattr(self.model, "__qualname__", type(self.model).__qualname__)
        return {
            "model": name,
            "image_size": self.image_size,
            "input_size": list(self.input_size),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "draws": self.draws,
            "seeded": self.seeded,
            "singly": self.singly,
        }

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""
        return self.mean.device

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Return the model's own noise, (B,) seeds if ``seeded``, or None."""
        if self.seeded:
            where = generator.device if generator is not None else torch.device("cpu")
            return torch.randint(2**63 - 1, (len(images),), generator=generator, device=where)
        if hasattr(self.model, "sample_noise"):
            noise: Tensor | None = self.model.sample_noise(images, generator)
            return noise
        return None

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch, differentiably; without noise, fresh noise is drawn."""
        x = images
        if x.shape[-2:] != self.input_size:
            x = F.interpolate(
                x, size=self.input_size, mode="bilinear", align_corners=False, antialias=True
            )
        x = (x - self.mean) / self.std
        if noise is None:
            noise = self.sample_noise(images)
        if not (self.seeded or self.singly):
            return self._read(self.model(x) if noise is None else self.model(x, noise), len(x))
        parts = [
            self._alone(x[i : i + 1], None if noise is None else noise[i]) for i in range(len(x))
        ]
        return Detection(*(torch.cat(field) for field in list(zip(*parts, strict=True))[:2]))

    def _alone(self, x: Tensor, noise: Tensor | None) -> Detection:
        """Score one image (1, 3, H, W)."""
        if not self.seeded or noise is None:
            return self._read(self.model(x) if noise is None else self.model(x, noise[None]), 1)
        with torch.random.fork_rng([x.device] if x.device.type == "cuda" else []):
            torch.manual_seed(int(noise))
            return self._read(self.model(x), 1)

    def _read(self, output: Any, n: int) -> Detection:
        """Return the output of the model for ``n`` images as a Detection."""
        if hasattr(output, "pred_score") or hasattr(output, "anomaly_map"):
            score = getattr(output, "pred_score", None)
            maps = getattr(output, "anomaly_map", None)
        elif isinstance(output, tuple) and len(output) == 2:
            score, maps = output
        else:
            score, maps = output, None
        if maps is not None and isinstance(maps, Tensor):
            maps = maps.unsqueeze(1) if maps.ndim == 3 else maps
            if maps.ndim != 4 or maps.shape[:2] != (n, 1):
                raise ValueError(
                    f"maps must be (B, 1, h, w) of {n} images, got {tuple(maps.shape)}"
                )
            if score is None:
                score = maps.flatten(1).amax(1)
        if not isinstance(score, Tensor) or not isinstance(maps, Tensor | None):
            raise TypeError(
                "model must return scores, (scores, maps) or an object with pred_score and "
                f"anomaly_map, got {type(output).__name__}; wrap it in a function that does"
            )
        if score.numel() != n or score.shape[:1] != (n,):
            raise ValueError(f"scores must be ({n},) for {n} images, got {tuple(score.shape)}")
        score, size = score.flatten(), (self.image_size, self.image_size)
        self.has_maps = maps is not None
        if maps is None:
            maps = score.view(n, 1, 1, 1).expand(n, 1, *size)
        elif maps.shape[-2:] != size:
            maps = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
        return Detection(score, maps)

    @torch.no_grad()
    def _examine(self) -> None:
        """Refuse a model that is random without noise, or whose scores depend on the batch."""
        seed = torch.Generator().manual_seed(0)
        shape = (2, 3, self.image_size, self.image_size)
        x = (0.4 + 0.2 * torch.rand(shape, generator=seed)).to(self.mean)
        generator = torch.Generator(self.device).manual_seed(0)
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            noise = self.sample_noise(x, generator)
            self.random = noise is not None
            first, second = self(x, noise).pred_score, self(x, noise).pred_score
            alone = self(x[:1], None if noise is None else noise[:1]).pred_score
        if not _same(first, second):
            raise ValueError(
                "model gives the same images other scores at each call: call .eval() on it if that "
                "is dropout; let it take (images, noise) and offer sample_noise(images, "
                "generator); or pass seeded=True if it draws from torch's global generators"
            )
        if not _same(first[:1], alone):
            raise ValueError(
                "model scores an image otherwise in another batch: call .eval() on it if that is "
                "batch normalisation, or pass singly=True to score each image alone"
            )


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether scores differ by rounding alone."""
    return torch.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)


def as_detector(thing: Any, image_size: int | None = None) -> Detector:
    """Return whatever scores images as a detector.

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

    Example:
        >>> import torch
        >>> from hardsight.detectors import as_detector
        >>> detector = as_detector(lambda images: images.mean((1, 2, 3)), image_size=8)
        >>> detector(torch.full((1, 3, 8, 8), 0.25)).pred_score
        tensor([0.2500])
    """
    from hardsight.detectors.adapters.anomalib import anomalib_detector, is_anomalib

    if isinstance(thing, Detector):
        if image_size not in (None, thing.image_size):
            raise ValueError(
                f"image_size={image_size}, but the detector takes {thing.image_size}; leave it out"
            )
        return thing
    if is_anomalib(thing):
        if isinstance(getattr(thing, "detector", None), Detector):
            return as_detector(thing.detector, image_size)  # one of this project's, trained there
        return anomalib_detector(thing, image_size)
    if not callable(thing) or isinstance(thing, type):
        raise TypeError(
            f"a detector must be a Detector, an anomalib model, a module or a function of images, "
            f"got {thing!r:.80}"
        )
    if image_size is None:
        raise ValueError("image_size=None; say which height and width in pixels it scores")
    return Wrapped(thing, image_size)
