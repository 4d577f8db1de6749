"""Detectors of 16 x 16 pixels that look robust for a wrong reason, and honest ones beside them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from bright import blind
from hardsight.core.types import Detection
from hardsight.detectors import Detector

SIZE = 16


def pictures(
    count: int = 8, seed: int = 0, first: int = 5, last: int = 9, contrast: float = 0.2
) -> tuple[Tensor, Tensor]:
    """Noisy grey squares (2 count, 3, 16, 16), the second half with a bright spot; and labels."""
    g = torch.Generator().manual_seed(seed)
    images = 0.5 + 0.02 * torch.randn(2 * count, 3, SIZE, SIZE, generator=g)
    images[count:, :, first:last, first:last] += contrast
    return images.clamp(0, 1), torch.arange(2 * count) >= count


class Honest(Detector):
    """The squared error against a blurred copy: smooth, exact, and easily fooled."""

    def __init__(self) -> None:
        super().__init__()
        self.image_size = SIZE
        self.blur = torch.nn.AvgPool2d(7, stride=1, padding=3, count_include_pad=False)
        self.weight = torch.nn.Parameter(torch.ones(()))

    def see(self, images: Tensor) -> Tensor:
        return images

    def reconstruct(self, images: Tensor) -> Tensor:
        return self.blur(images)

    def score(self, maps: Tensor) -> Tensor:
        return maps.flatten(1).mean(1)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        x = self.see(images)
        maps = self.weight * (x - self.reconstruct(x)).square().mean(1, keepdim=True)
        return Detection(self.score(maps), maps)


class Noisy(Honest):
    """Honest, with a little noise on the reconstruction."""

    random = True

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return 0.002 * torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        noise = self.sample_noise(images) if noise is None else noise
        maps = (images - self.reconstruct(images) + noise).square().mean(1, keepdim=True)
        return Detection(self.score(maps), maps)


class Drowned(Honest):
    """Honest, with noise on the score, as large as defects make it, that no image moves."""

    random = True

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return 1e-3 * torch.randn(len(images), generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        noise = self.sample_noise(images) if noise is None else noise
        maps = super().forward(images).anomaly_map + noise.view(-1, 1, 1, 1)
        return Detection(self.score(maps), maps)


class Quantised(Honest):
    """Sees eight-bit images: rounding has no slope."""

    def see(self, images: Tensor) -> Tensor:
        return (images * 255).round() / 255


class Hashed(Honest):
    """Scales what it sees by a hash of the rounded image: the slope is true, between two jumps."""

    def see(self, images: Tensor) -> Tensor:
        grey = (images.detach() * 255).round().flatten(1).double()
        places = torch.arange(1, grey.shape[1] + 1, dtype=torch.float64)
        code = torch.frac((grey * torch.sin(places)).sum(1).abs() * 43758.5453)
        return images * (0.95 + 0.1 * code.to(images)).view(-1, 1, 1, 1)


class Straight(Quantised):
    """Rounds coarsely and pretends it does not, backwards."""

    def see(self, images: Tensor) -> Tensor:
        return images + ((images * 20).round() / 20 - images).detach()


class DetachedReconstruction(Honest):
    """Only the image's direct path into the error carries a gradient."""

    def reconstruct(self, images: Tensor) -> Tensor:
        return self.blur(images).detach()


class NoGrad(Honest):
    """Scores under no_grad, as anomalib's memory banks do."""

    @torch.no_grad()
    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        return super().forward(images, noise)


class Saturated(Honest):
    """A sigmoid so steep that every score is 0 or 1."""

    def score(self, maps: Tensor) -> Tensor:
        return torch.sigmoid(1e6 * (maps.flatten(1).mean(1) - 9e-4))


class Capped(Honest):
    """No score above a cap, so that the images there have no slope, and the others their own."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def score(self, maps: Tensor) -> Tensor:
        return super().score(maps).clamp(max=self.cap)


class Ending(Honest):
    """Honest, but of whose score no gradient is finite once an image has a pixel above a limit."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def see(self, images: Tensor) -> Tensor:
        return images + blind(images, images.amax((1, 2, 3)) > self.limit)


class Linear(Honest):
    """The middle's brightness less that of the rest: the best attack is known."""

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        x = self.see(images)
        middle = torch.zeros(SIZE, SIZE, dtype=x.dtype)
        middle[3:11, 3:11] = 1
        weight = middle / middle.mean() - (1 - middle) / (1 - middle).mean()
        maps = self.weight * weight * x.mean(1, keepdim=True)
        return Detection(self.score(maps), maps)


class Rippled(Linear):
    """A fine ripple on what is seen: the slope is true, and points anywhere."""

    def see(self, images: Tensor) -> Tensor:
        return images + 2e-4 * torch.sin(2e5 * images)


class Scattered(Honest):
    """Weighs the pixels by chance: each draw's gradient points another way."""

    random = True

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(len(images), 1, SIZE, SIZE, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        noise = self.sample_noise(images) if noise is None else noise
        clean = super().forward(images).anomaly_map
        maps = clean + 1.5 * noise * images.mean(1, keepdim=True)
        return Detection(self.score(maps), maps)


class OnePixel(Honest):
    """The score is the largest error, against a constant: one pixel has all the slope."""

    def reconstruct(self, images: Tensor) -> Tensor:
        return torch.full_like(images, 0.5)

    def score(self, maps: Tensor) -> Tensor:
        return maps.flatten(1).amax(1)


class Dropping(Honest):
    """Drops pixels of the reconstruction, in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = torch.nn.Dropout(0.3)

    def reconstruct(self, images: Tensor) -> Tensor:
        return self.drop(self.blur(images))


class Underflowing(Honest):
    """Computes in half precision, where its small gradient is zero."""

    def see(self, images: Tensor) -> Tensor:
        return images.half().float()

    def score(self, maps: Tensor) -> Tensor:
        return 1e-6 * super().score(maps)


class Secret(Honest):
    """Has randomness that is not in its noise."""

    def score(self, maps: Tensor) -> Tensor:
        return super().score(maps) * (1 + 0.1 * torch.rand(len(maps)))


class Neighbourly(Honest):
    """Scores an image beside the others of its batch."""

    def score(self, maps: Tensor) -> Tensor:
        scores = super().score(maps)
        return scores - scores.mean()


class Meddling(Honest):
    """Changes the images it is given."""

    def see(self, images: Tensor) -> Tensor:
        if not images.requires_grad:
            images.add_(1e-3)
        return images


class Bypassed(Honest):
    """The reconstruction is a module that can be gone round, and whose slope misleads."""

    bypass = ("reconstruction", lambda x: F.avg_pool2d(x, 7, 1, 3, count_include_pad=False))

    def __init__(self, ripple: float = 0.0) -> None:
        super().__init__()
        self.reconstruction = _Rebuild(ripple)

    def reconstruct(self, images: Tensor) -> Tensor:
        return self.reconstruction(images)


class _Rebuild(torch.nn.Module):
    def __init__(self, ripple: float) -> None:
        super().__init__()
        self.ripple = ripple

    def forward(self, x: Tensor) -> Tensor:
        blurred = F.avg_pool2d(x, 7, 1, 3, count_include_pad=False)
        return blurred + self.ripple * torch.sin(2e5 * x)


class RoundedLinear(Linear):
    """Linear, but of a rounded image."""

    def see(self, images: Tensor) -> Tensor:
        return (images * 255).round() / 255


class Lucky(Linear):
    """Adds a random slope whose mean is none: harmless unless the draw is known."""

    random = True

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        shape = (len(images), 1, SIZE, SIZE)
        return torch.randn(shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        noise = self.sample_noise(images) if noise is None else noise
        clean = super().forward(images).anomaly_map
        maps = clean + 10 * noise * (images - 0.5).mean(1, keepdim=True)
        return Detection(self.score(maps), maps)
