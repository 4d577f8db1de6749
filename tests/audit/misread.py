"""Classifiers of 8 x 8 pixels that look robust for a wrong reason, and honest ones beside them."""

import torch
from torch import Tensor, nn

from hardsight.core.modules import seeded
from hardsight.data import LabelledImages
from hardsight.purifiers import Purified, Purifier

SIZE, CLASSES = 8, 4


def blobs(count: int = 32, seed: int = 0, contrast: float = 0.12) -> LabelledImages:
    """Noisy grey images, the quarter that is brighter than the others tells the class."""
    g = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    images = 0.45 + 0.1 * torch.randn(count, 1, SIZE, SIZE, generator=g)
    images = (images + contrast * quarters()[labels]).clamp(0, 1)
    pixels = (255 * images).round().to(torch.uint8)
    return LabelledImages("blobs", pixels, labels, tuple("abcd"))


def quarters() -> Tensor:
    """(CLASSES, 1, SIZE, SIZE) one quarter of the image each."""
    half, found = SIZE // 2, torch.zeros(CLASSES, 1, SIZE, SIZE)
    for k in range(CLASSES):
        row, column = half * (k // 2), half * (k % 2)
        found[k, 0, row : row + half, column : column + half] = 1
    return found


class Linear(nn.Module):
    """Logits are the brightness of the quarters: the best attack is known."""

    def __init__(self, gain: float = 20.0) -> None:
        super().__init__()
        weights = quarters().flatten(1)
        self.weights = nn.Parameter(gain * weights / weights.sum(1, keepdim=True))

    def see(self, images: Tensor) -> Tensor:
        return images

    def logits(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weights.T

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(self.see(images))


def trained(steps: int = 80, dropout: float = 0.0) -> nn.Module:
    """A small network, trained in a second."""
    with seeded(0):
        network = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(8 * (SIZE // 2) ** 2, CLASSES),
        )
    data = blobs(256, seed=1)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(network(data.images / 255), data.labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


class Pooling(Linear):
    """A maximum over neighbours, which in even ground are equal."""

    def see(self, images: Tensor) -> Tensor:
        return nn.functional.max_pool2d(images, 3, 1, 1)


class Shake(Purifier):
    """Adds noise, and does something of its own to the images."""

    def __init__(self, size: float = 0.05) -> None:
        super().__init__()
        self.size = size

    def clean(self, images: Tensor) -> Tensor:
        return images

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        noise = self.sample_noise(images) if noise is None else noise
        return self.clean(images) + self.size * noise


class Detached(Shake):
    """Its output carries no gradient."""

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return super().forward(images, noise).detach()


class Through(Shake):
    """Blurs, and pretends backwards that it does nothing."""

    def clean(self, images: Tensor) -> Tensor:
        blurred = nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
        return images + (3 * blurred - 2 * images - images).detach()


class Shattering(Shake):
    """A fine ripple: the slope is true, and points anywhere."""

    def clean(self, images: Tensor) -> Tensor:
        return images + 2e-3 * torch.sin(2e5 * images)


class Quantised(Linear):
    """Sees eight-bit images: rounding has no slope."""

    def see(self, images: Tensor) -> Tensor:
        return (images * 255).round() / 255


class Rippled(Linear):
    """A fine ripple on what is seen: the slope is true, and points anywhere."""

    def see(self, images: Tensor) -> Tensor:
        return images + 2e-3 * torch.sin(2e5 * images)


class Saturated(Linear):
    """Logits so far apart that the cross-entropy of a rightly read image is zero, and flat."""

    def logits(self, x: Tensor) -> Tensor:
        return 1e4 * super().logits(x)


class Probable(Linear):
    """Answers with probabilities, which are 0 and 1."""

    def logits(self, x: Tensor) -> Tensor:
        return (1e4 * super().logits(x)).softmax(1)


class Underflowing(Linear):
    """Computes in half precision, where its small gradient is zero."""

    def logits(self, x: Tensor) -> Tensor:
        return 1e-9 * super().logits(x.half().float())


class Secret(Linear):
    """Has randomness that is not in its noise."""

    def logits(self, x: Tensor) -> Tensor:
        found = super().logits(x)
        return found + 0.1 * torch.rand(found.shape)


class Neighbourly(Linear):
    """Reads an image beside the others of its batch."""

    def see(self, images: Tensor) -> Tensor:
        return images - images.mean(0, keepdim=True)


class Fickle(Linear):
    """Weighs the pixels by chance: a draw of noise decides the label, and where the slope leads."""

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        shape = (len(images), CLASSES, SIZE * SIZE)
        return torch.randn(shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        noise = self.sample_noise(images) if noise is None else noise
        chance = torch.einsum("bkd,bd->bk", noise, images.flatten(1) - 0.4)
        return super().forward(images) + 8 * chance


class Lucky(Linear):
    """Adds luck to the logits, and none to their slope: ten draws outweigh what one does."""

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(len(images), CLASSES, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        noise = self.sample_noise(images) if noise is None else noise
        return super().forward(images) + 2.5 * noise


def purified(purifier: Purifier) -> Purified:
    """A purifier in front of the linear classifier."""
    return Purified(purifier, Linear())
