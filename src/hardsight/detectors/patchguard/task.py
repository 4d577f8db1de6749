"""The task of training PatchGuard: clean and attacked, normal and pseudo-anomalous."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from hardsight.attacks import Linf
from hardsight.augment import turned
from hardsight.core.batches import spread
from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.data import sheet
from hardsight.detectors.patchguard.adversary import FreePerturbation, attack_patches, misalignment
from hardsight.detectors.patchguard.attention import REGULARISERS
from hardsight.detectors.patchguard.networks import Normalised
from hardsight.detectors.patchguard.objective import cell_labels
from hardsight.detectors.patchguard.recipe import Recipe
from hardsight.synthesis import dilated


class PatchTask:
    """Draws normal images and seeds; the rest of a step follows from them, on the device.

    The loss of an image is the sum of four terms: clean and attacked, normal and pseudo-anomalous,
    each the cross-entropy summed over the patches plus the regulariser. The four go through the
    network as one batch.

    A resumed run goes on to the same weights, but for "free" adversaries, whose perturbation lives
    in memory: it starts anew, and so do the replays of a batch.

    Args:
        network: what is trained.
        images: (N, 3, H, W) uint8, normal.
        foreground: (N, 1, H, W) bool, where pseudo-anomalies are made.
        recipe: how.
        turns: names in ``hardsight.augment.TURNS``; each image is left as it is or turned by one of
            them, all equally often.
    """

    def __init__(
        self,
        network: Normalised,
        images: Tensor,
        foreground: Tensor,
        recipe: Recipe,
        turns: Sequence[str] = (),
    ) -> None:
        if len(images) == 0 or foreground.shape != images[:, :1].shape:
            raise ValueError(
                f"need images and as many foregrounds, got {tuple(images.shape)} and "
                f"{tuple(foreground.shape)}"
            )
        self.module: nn.Module = network
        self.network = network
        self.images, self.recipe, self.turns = images, recipe, tuple(turns)
        self.foreground = dilated(foreground, recipe.dilation)
        self.cut_paste = recipe.cut_paste()
        self.free = FreePerturbation(Linf(recipe.adversary.eps))
        self._kept: tuple[Tensor, ...] | None = None
        self._left = 0

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, foreground (B, 1, H, W) bool, seeds (B,))."""
        if self._kept is not None and self._left and len(self._kept[0]) == size:
            self._left -= 1
            return self._kept
        index = torch.randint(len(self.images), (size,), generator=generator)
        x, where = turned(self.turns, generator, self.images[index], self.foreground[index])
        rows = (x, where, draw_seeds(size, generator))
        if self.recipe.adversary.kind == "free":
            self._kept, self._left = rows, self.recipe.adversary.replays - 1
        return rows

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of the images of a batch: uint8, their foregrounds, their seeds."""
        images, where, seeds = batch
        generator = generator_of(seeds, images.device)
        normal = images.float() / 255
        with torch.autocast(images.device.type, enabled=False):
            pseudo, masks = self.cut_paste(normal, where, generator)
        clean = torch.cat([normal, pseudo])
        cells = cell_labels(masks, self.network.cell)
        labels = torch.cat([torch.zeros_like(cells), cells])
        kind = self.recipe.adversary.kind
        extra = clean.new_zeros(())
        if kind == "none":
            x, terms = clean, 2
        else:
            if kind == "free":
                adversarial = self.free.perturb(clean)
            else:
                adversarial = attack_patches(
                    self.module, clean, labels, self.recipe.adversary, generator
                )
            if kind == "fast" and self.recipe.adversary.alignment:
                apart = misalignment(
                    self.module, clean, labels, self.recipe.adversary.eps, generator
                )
                weight = self.recipe.adversary.alignment * labels[0].numel()
                extra = weight * apart.view(2, -1).sum(0).mean()
            x, labels, terms = torch.cat([clean, adversarial]), labels.repeat(2, 1, 1, 1), 4
        return self._losses(x, labels).view(terms, -1).sum(0).mean() + extra

    def _losses(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy (B,) summed over the patches, and the regulariser."""
        chosen = self.recipe.regulariser
        regular = chosen.kind != "none"
        maps: list[Tensor] = []
        if regular:
            logits, maps = self.network.with_attention(x, chosen.layers)
        else:
            logits = self.network(x)
        weight = logits.new_tensor(self.recipe.anomalous_weight, dtype=torch.float32)
        loss = F.binary_cross_entropy_with_logits(
            logits.float(), labels.float(), pos_weight=weight, reduction="none"
        )
        total = loss.flatten(1).sum(1)
        for attention, share in zip(maps, chosen.weights if regular else (), strict=True):
            rule = REGULARISERS[chosen.kind]
            total = total + share * rule(attention, chosen.delta, chosen.tau)
        return total

    @torch.no_grad()
    def sample(self, module: nn.Module) -> Tensor:
        """Return a picture (3, h, w): normal images, pseudo-anomalies, their masks, predictions."""
        device = next(module.parameters()).device
        index = spread(torch.arange(len(self.images)), 8)
        x = self.images[index].to(device).float() / 255
        generator = Generator(device).manual_seed(0)
        pseudo, masks = self.cut_paste(x, self.foreground[index].to(device), generator)
        predicted = torch.sigmoid(module(pseudo).float())
        return sheet(x, pseudo, masks, F.interpolate(predicted, x.shape[-2:]))
