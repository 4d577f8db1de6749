"""Any scoring function as a detector."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.core import capabilities
from hardsight.core.capabilities import title_of
from hardsight.core.global_generators import kept_generators, seed_generators
from hardsight.core.modules import in_mode
from hardsight.core.noise import check_noise
from hardsight.core.repeatability import ASKED, ROUNDING, largest_change
from hardsight.core.types import Detection
from hardsight.detectors.adapters.outputs import read_output
from hardsight.detectors.base import Detector


class Wrapped(Detector):
    """A module or a function that scores images, as a detector.

    Resizing and normalisation are part of the detector, so that an attack goes through them and
    its ``eps`` is stated at ``image_size``. Nothing clamps, detaches or rounds on the way. A module
    scores in eval mode, and is in the mode that it was found in afterwards. At construction the
    model is called on two grey images to see whether it keeps the contract: every score its image's
    own, and no randomness but the noise. Where it makes no maps (``has_maps`` is then false) each
    map is filled with its image's score.

    Args:
        model: images (B, 3, H, W) -> scores (B,), or (scores, maps), or a ``Prediction``, an object
            with ``pred_score`` and ``anomaly_map`` of which one may be None; maps (B, 1, h, w) or
            (B, h, w) of any size. One with randomness draws it in ``sample_noise`` and takes
            (images, noise), see ``core.capabilities``; or is ``seeded``.
        image_size: height and width in pixels of the images that are scored, and attacked.
        input_size: (height, width) that the model takes, or a number for both; None: as they come.
        mean: (3,) subtracted from the channels before the model.
        std: (3,) by which they are then divided.
        draws: noise draws that the model itself averages in one score.
        seeded: for a model that draws from torch's global generators: the noise is one seed per
            image, under which the model scores it alone.
        singly: score each image alone, for a model whose scores depend on the rest of the batch.

    Raises:
        TypeError: an output of another type.
        ValueError: images that the model fails on; an output of another shape; or scores that
            change from call to call or with the batch, and neither noise, ``seeded`` nor
            ``singly`` says how.
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
    def title(self) -> str:
        """Name of what was wrapped."""
        return title_of(self.model)

    @property
    def settings(self) -> dict[str, Any]:
        """What was wrapped, and how."""
        model = self.model if inspect.isroutine(self.model) else type(self.model)
        return {
            "model": model.__qualname__,
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
        return capabilities.sample_noise(self.model, images, generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch, differentiably; without noise, fresh noise is drawn."""
        noise = self.sample_noise(images) if noise is None else noise
        if noise is not None and (self.seeded or self.singly):  # each image is given its own
            check_noise(noise, images)
        score, maps = self._outputs(images, noise)
        size = (self.image_size, self.image_size)
        if maps is None:
            maps = score.view(-1, 1, 1, 1).expand(-1, 1, *size)
        elif maps.shape[-2:] != size:
            maps = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
        return Detection(score, maps)

    def _outputs(self, images: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return scores (B,), and maps (B, 1, h, w) or None, as the model gives them."""
        x = images
        if x.shape[-2:] != self.input_size:
            x = F.interpolate(
                x, size=self.input_size, mode="bilinear", align_corners=False, antialias=True
            )
        x = (x - self.mean) / self.std
        if self.mean.dtype in (torch.float16, torch.bfloat16):  # as the model's weights
            x = x.to(self.mean.dtype)
        step = 1 if self.seeded or self.singly else len(x)
        with in_mode("eval", *self.children()):
            parts = [
                read_output(
                    self._call(x[i : i + step], None if noise is None else noise[i : i + step]),
                    step,
                )
                for i in range(0, len(x), step)
            ]
        scores, maps = zip(*parts, strict=True)
        return torch.cat(scores), None if maps[0] is None else torch.cat(maps)

    def _call(self, x: Tensor, noise: Tensor | None) -> Any:
        """Call the model, under its noise or the one seed (1,)."""
        if noise is None:
            return self.model(x)
        if not self.seeded:
            return self.model(x, noise)
        with kept_generators(x.device):
            seed_generators(int(noise), x.device)
            return self.model(x)

    @torch.no_grad()
    def _examine(self) -> None:
        """See whether there are maps; refuse hidden randomness and scores that need the batch."""
        seed = torch.Generator().manual_seed(0)
        shape = (2, 3, self.image_size, self.image_size)
        x = (0.4 + 0.2 * torch.rand(shape, generator=seed)).to(self.mean)
        generator = torch.Generator(self.device).manual_seed(0)
        with kept_generators(self.device):
            noise = self.sample_noise(x, generator)
            self.random = noise is not None
            try:
                first, maps = self._outputs(x, noise)
            except (RuntimeError, IndexError) as error:
                raise ValueError(
                    f"model cannot score two images {tuple(x.shape)} of {x.dtype}: {error}; "
                    f"Wrapped(model, {self.image_size}, input_size=...) resizes them, a function "
                    "round the model does anything else, as x.mean(1, keepdim=True) or x.half()"
                ) from error
            others = [self._outputs(x, noise)[0] for _ in range(ASKED - 1)]
            alone, _ = self._outputs(x[:1], None if noise is None else noise[:1])
        self.has_maps = maps is not None
        if largest_change(first, *others) > ROUNDING:
            raise ValueError(
                "model gives the same images other scores at each call: give the module itself, "
                "not a function round one in training mode; let it take (images, noise) and offer "
                "sample_noise(images, generator); or, if it draws from torch's global generators, "
                f"give Wrapped(model, {self.image_size}, seeded=True)"
            )
        if not torch.allclose(first[:1], alone, rtol=ROUNDING, atol=1e-5, equal_nan=True):
            raise ValueError(
                "model scores an image otherwise in another batch: give the module itself, not a "
                f"function round one in training mode, or Wrapped(model, {self.image_size}, "
                "singly=True) to score each image alone"
            )
