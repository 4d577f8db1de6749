"""The joint game: denoiser and head learn what an attacker makes of their images."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Generator, Tensor, nn

from hardsight.attacks import PGD, Linf, frozen
from hardsight.data import CutPaste, Foreground, Kind, cropped, dilated, drawn, sheet
from hardsight.detectors.head import MapHead
from hardsight.diffusion import Denoiser, one_shot
from hardsight.training import Settings


class Game(BaseModel):
    """How denoiser and head play, after the denoiser's plain training, against attacks on them.

    One half of a batch is normal, the other pseudo-anomalous; both are attacked so that the head
    is wrong about them. The denoiser is to reconstruct the clean normal image from either, the
    head to tell which is which, and where.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(1000, ge=1)
    """Of the optimiser."""
    warm_up: int = Field(200, ge=0)
    """Steps before these, on images that are not attacked."""
    lr: float = Field(4e-4, gt=0)
    """The highest learning rate."""
    eps: float = Field(8 / 255, ge=0, le=1)
    """L-inf radius of the attack in [0, 1] pixel units."""
    attack_steps: int = Field(2, ge=1)
    """Sign steps of the attack, from a random start."""
    step_share: float = Field(0.7, gt=0)
    """Length of such a step over ``eps``."""
    contrast: float = Field(16 / 255, ge=0, le=1)
    """By how much a pixel must be changed to count as anomalous: what is fainter than twice
    ``eps`` an attacker can paint over."""
    top: float = Field(0.002, gt=0, le=1)
    """Share of the cells, those of the highest logits, whose mean is the image's logit."""
    image: float = Field(1.0, ge=0)
    """Weight of the image's cross-entropy beside the cells'."""
    reconstruction: float = Field(1.0, ge=0)
    """Weight of the reconstruction's error beside the head's."""
    k_low: int = Field(100, ge=1)
    """Diffusion steps are drawn evenly from ``k_low`` to ``k_high``: play at what is scored."""
    k_high: int = Field(300, ge=1)
    foreground: Foreground = "saliency"
    """Where pseudo-anomalies are made."""
    smallest: float = Field(0.02, gt=0, lt=1)
    """Shortest side of what is cut and pasted, as a fraction of the image's side."""
    defects: float = Field(0.0, ge=0, le=1)
    """Share of the pseudo-anomalies that are synthetic defects instead of cut and pasted. A
    selection judges by synthetic defects; with 0 it judges by kinds that the head never saw."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "Game":
        if self.k_low > self.k_high:
            raise ValueError(f"k_low must not be above k_high, got {self.k_low} > {self.k_high}")
        return self

    def settings(self, training: Settings, steps: int) -> Settings:
        """Return the plain training's settings with other steps, and the game's learning rate."""
        return training.model_copy(update={"steps": steps, "lr": self.lr})

    def cells(self, normal: Tensor, shown: Tensor, patch: int) -> tuple[Tensor, Tensor]:
        """Return which cells are anomalous and which normal, (B, 1, H / patch, W / patch) bool.

        Anomalous is a cell a quarter of whose pixels were changed by more than ``contrast``, normal
        one that was not changed; what is between them is neither.

        Args:
            normal, shown: (B, 3, H, W) in [0, 1], before and after.
            patch: side of a cell in pixels.
        """
        change = (shown - normal).abs().amax(1, keepdim=True)
        anomalous = F.avg_pool2d((change > self.contrast).float(), patch) >= 0.25
        return anomalous, F.max_pool2d(change, patch) == 0

    def losses(self, logits: Tensor, anomalous: Tensor, normal: Tensor) -> Tensor:
        """(B,) cross-entropy of anomalous cells, of normal ones and of the image, added.

        Each kind of cells counts by its mean. An image is normal if all its cells are; what has
        cells that are neither, and no anomalous one, has no label.
        """
        label = anomalous.flatten(1).any(1)
        labelled = label | normal.flatten(1).all(1)
        each = F.binary_cross_entropy_with_logits(logits, anomalous.to(logits), reduction="none")
        parts = [
            (each * w).flatten(1).sum(1) / w.flatten(1).sum(1).clamp_min(1)
            for w in (anomalous.to(logits), normal.to(logits))
        ]
        flat = logits.flatten(1)
        highest = flat.topk(max(1, round(self.top * flat.shape[1])), dim=1).values.mean(1)
        image = F.binary_cross_entropy_with_logits(highest, label.to(logits), reduction="none")
        return parts[0] + parts[1] + self.image * image * labelled


class Player(nn.Module):
    """Denoiser and head as one network: what the game trains.

    Args:
        denoiser, head: shared, not copied.
    """

    def __init__(self, denoiser: Denoiser, head: MapHead) -> None:
        super().__init__()
        self.denoiser, self.head = denoiser, head

    def forward(self, images: Tensor, t: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits of the head's cells, and reconstructions in [0, 1] units.

        Shape:
            images (B, 3, H, W) in [0, 1], diffusion steps t (B,), noise (B, 3, H, W).
        """
        r = (one_shot(self.denoiser, 2 * images - 1, t, noise).to(images.dtype) + 1) / 2
        logits: Tensor = self.head(images, r)
        return logits, r


class GameTask:
    """Draws images, turns, diffusion steps and noise; the attack follows from them on the device.

    Args:
        player: what is trained.
        images: (N, 3, H, W) uint8, normal.
        where: (N, 1, H, W) bool, the foreground.
        game: how.
        eps: radius of the attack; None: the game's. 0: there is none.
        kinds, crop: see ``DenoisingTask``.
    """

    def __init__(
        self,
        player: Player,
        images: Tensor,
        where: Tensor,
        game: Game,
        eps: float | None = None,
        kinds: Sequence[Kind] = (),
        crop: int | None = None,
    ) -> None:
        last = player.denoiser.schedule.T
        if not game.k_high <= last:
            raise ValueError(f"k_high must be at most {last}, got {game.k_high}")
        self.module, self.game, self.images = player, game, images
        self.eps = game.eps if eps is None else eps
        self.where = dilated(where)
        self.kinds, self.crop = tuple(kinds) or (Kind(len(images)),), crop
        self.spoiler = CutPaste(smallest=game.smallest, defects=game.defects)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw images (B, 3, H, W) uint8, foregrounds (B, 1, H, W) bool, which are spoilt (B,)
        bool, diffusion steps (B,), noise (B, 3, H, W) and seeds (B,).
        """
        x, where = drawn(self.kinds, size, self.crop, generator, self.images, self.where)
        spoilt = torch.arange(size) >= size // 2
        t = torch.randint(self.game.k_low, self.game.k_high + 1, (size,), generator=generator)
        noise = torch.randn(x.shape, generator=generator)
        seeds = torch.randint(2**62, (size,), generator=generator)
        order = torch.randperm(size, generator=generator)  # so that each device has both kinds
        return x, where, spoilt[order], t, noise, seeds

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean over images of the head's loss, and of the reconstruction's.

        That is its mean squared error to the clean normal image / (sigma^2 + 0.01), in [-1, 1]
        units.
        """
        images, where, spoilt, t, noise, seeds = batch
        generator = Generator(images.device).manual_seed(int(seeds[0]))
        normal = images.float() / 255
        shown = normal.clone()
        if bool(spoilt.any()):
            with torch.autocast(images.device.type, enabled=False):
                shown[spoilt], _ = self.spoiler(normal[spoilt], where[spoilt], generator)
        cells = self.game.cells(normal, shown, self.module.head.patch)
        hurt = self.attacked(shown, cells, t, noise, generator)
        logits, r = self.module(hurt, t, noise)
        error = 4 * (r - normal).square().flatten(1).mean(1)
        error = error / (self.module.denoiser.schedule.sigma(t).to(error) ** 2 + 0.01)
        each: Tensor = self.game.losses(logits, *cells) + self.game.reconstruction * error
        return each.mean()

    def attacked(
        self,
        shown: Tensor,
        cells: tuple[Tensor, Tensor],
        t: Tensor,
        noise: Tensor,
        generator: Generator,
    ) -> Tensor:
        """Return the images (B, 3, H, W) so that the head's loss is large, whose noise is known."""
        if not self.eps:
            return shown

        def wrong(images: Tensor, generator: Generator | None = None) -> Tensor:
            logits, _ = self.module(images, t, noise)
            return self.game.losses(logits, *cells)

        attack = PGD(Linf(self.eps), self.game.attack_steps, self.game.step_share * self.eps)
        with frozen(self.module):
            return attack.last(wrong, shown, generator)

    @torch.no_grad()
    def log_errors(self, images: int, generator: Generator) -> Tensor:
        """(N, 1, h, w) what ``MapHead.log_error`` is of normal images, drawn as for training."""
        device, parts = next(self.module.parameters()).device, []
        for _ in range(0, images, 4):
            x, _, _, t, noise, _ = (b.to(device) for b in self.batch(4, generator))
            x = x.float() / 255
            _, r = self.module(x, t, noise)
            parts.append(self.module.head.log_error(x, r))
        return torch.cat(parts)

    @torch.no_grad()
    def sample(self, module: Player) -> Tensor:
        """(3, h, w): normal images, spoilt copies, their reconstructions, and where they differ
        by what the head says.
        """
        device = next(module.parameters()).device
        index = torch.linspace(0, len(self.images) - 1, min(8, len(self.images))).round().long()
        x, where = cropped(index, self.crop, Generator().manual_seed(0), self.images, self.where)
        normal, generator = x.to(device).float() / 255, Generator(device).manual_seed(0)
        shown, _ = self.spoiler(normal, where.to(device), generator)
        t = torch.full((len(x),), (self.game.k_low + self.game.k_high) // 2, device=device)
        noise = torch.randn(shown.shape, generator=generator, device=device)
        logits, r = module(shown, t, noise)
        return sheet(normal, shown, r, F.interpolate(torch.sigmoid(logits), x.shape[-2:]))
