"""EfficientAD: a student and an autoencoder beside a small, fast teacher."""

from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.backbones import Backbone, build_backbone
from hardsight.core.batches import batched
from hardsight.core.counts import demand_whole
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.channel_statistics import channel_statistics
from hardsight.detectors.distillation.autoencoder import DescriptionAutoencoder
from hardsight.detectors.distillation.efficient_ad_fitting import EfficientADFit, fit_efficient_ad
from hardsight.detectors.distillation.hard_features import hard_feature_loss
from hardsight.detectors.distillation.patch_description import MARGIN, PatchDescription
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.fitted import Work
from hardsight.detectors.saved import SavedDetector


class EfficientAD(SavedDetector):
    """Score where a student differs from its teacher, or from an autoencoder (EfficientAD-S).

    Batzner et al. (2024) distil the teacher from a WideResNet-101 on ImageNet, and keep the student
    off ImageNet's images. These are not to be had offline: here the teacher is distilled within the
    fit from ``backbone``, on the photographs that come with scikit-image and on the training
    images, and the student is kept off those photographs. Deterministic: there is no noise. The
    defaults are those of the preset ``efficient-ad``, sized for CPUs; ``efficient-ad-paper`` holds
    the paper's widths and steps.

    Args:
        backbone: what the teacher learns from, arguments of ``hardsight.backbones.Backbone``; the
            channels of its taps are together those of a description.
        image_size: height and width in pixels, a multiple of 32, at least 64.
        width: of teacher and student, see ``PatchDescription``.
        precision: "bf16" runs the networks under bfloat16 autocast, trained ones too, "fp32" does
            not, "auto" does where this machine gains by it.
        seed: of the first weights.
    """

    paper = "EfficientAD"
    exportable = True
    mean: Tensor
    std: Tensor
    quantiles: Tensor

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        width: int = 48,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if image_size % 32 or image_size < 64:
            raise ValueError(
                f"image_size must be a multiple of 32 and at least 64, got {image_size}"
            )
        demand_whole(1, width=width)
        self.image_size, self.precision, self._backbone = image_size, precision, backbone
        channels = sum(self.backbone().channels)
        with seeded(seed):
            self.teacher = PatchDescription(channels, width)
            self.student = nn.ModuleDict(
                {
                    "descriptions": PatchDescription(2 * channels, width),
                    "autoencoder": DescriptionAutoencoder(channels, image_size),
                }
            )
        for name, value in (("mean", 0.0), ("std", 1.0)):
            self.register_buffer(name, torch.full((1, channels, 1, 1), value))
        self.register_buffer("quantiles", torch.tensor([[0.0, 0.1]] * 2))
        self.enlarged = Enlargement(image_size // 4, image_size, 0.0)

    def backbone(self) -> Backbone:
        """Return what the teacher learns from, without its pretrained weights."""
        return build_backbone(self._backbone, precision=self.precision)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by the highest value of its map, the mean of both normalised maps.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        low, high = self.quantiles.T.reshape(2, 1, 2, 1, 1)
        maps = (0.1 * (self.maps(images) - low) / (high - low)).mean(1, keepdim=True)
        return Detection(maps.flatten(1).amax(1), maps)

    def maps(self, images: Tensor) -> Tensor:
        """Return the squared distances (B, 2, H, W) of the student: to teacher, to autoencoder.

        Zero in the margin, where no patch is described.
        """
        found: Tensor = self.enlarged(F.pad(self.distances(images), (MARGIN,) * 4))
        return found

    def distances(self, images: Tensor) -> Tensor:
        """Return the same of the patches that are described, (B, 2, H / 4 - 8, W / 4 - 8)."""
        local, logical = self.student_descriptions(images)
        pairs = (
            (self.teacher_descriptions(images), local),
            (self.autoencoder_descriptions(images), logical),
        )
        return torch.cat([(a - b).square().mean(1, keepdim=True) for a, b in pairs], dim=1)

    def teacher_descriptions(self, images: Tensor) -> Tensor:
        """Return the teacher's descriptions, standardised over normal images."""
        return (self.raw_descriptions(images) - self.mean) / self.std

    def raw_descriptions(self, images: Tensor) -> Tensor:
        """Return the teacher's descriptions as it gives them."""
        with autocast(self.precision, images.device):
            found: Tensor = self.teacher(images)
        return found.to(images.dtype)

    def student_descriptions(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the student's descriptions: as of the teacher, and as of the autoencoder."""
        with autocast(self.precision, images.device):
            found: Tensor = self.student["descriptions"](images)
        return found.to(images.dtype).chunk(2, dim=1)

    def autoencoder_descriptions(self, images: Tensor) -> Tensor:
        """Return the autoencoder's descriptions."""
        with autocast(self.precision, images.device):
            found: Tensor = self.student["autoencoder"](images)
        return found.to(images.dtype)

    def loss(
        self, images: Tensor, recoloured: Tensor, others: Tensor, hard_quantile: float = 0.999
    ) -> Tensor:
        """Return the sum of the losses of student and autoencoder (algorithm 1, lines 11 to 25).

        Args:
            images: (B, 3, H, W) in [0, 1], normal.
            recoloured: the same, slightly changed.
            others: (B, 3, H, W) that the student is kept off.
            hard_quantile: see ``hard_feature_loss``.
        """
        teacher, student = self.teacher_descriptions, self.student_descriptions
        with torch.no_grad():
            expected, logical = teacher(images), teacher(recoloured)
        hard = hard_feature_loss((expected - student(images)[0]).square(), hard_quantile)
        penalty = student(others)[0].square().mean()
        rebuilt, imitated = self.autoencoder_descriptions(recoloured), student(recoloured)[1]
        both = (logical - rebuilt).square().mean() + (rebuilt - imitated).square().mean()
        return hard + penalty + both

    def standardise(self, normals: Tensor) -> None:
        """Measure the teacher's channels on normal images (N, 3, H, W) uint8, in place."""
        self.mean, self.std = channel_statistics(
            self.raw_descriptions(self.prepare(x)) for x in batched(normals, 8)
        )

    @torch.no_grad()
    def normalise(self, normals: Tensor, low: float = 0.9, high: float = 0.995) -> None:
        """Measure quantiles of both maps on held-out normal images, in place (section 3.4).

        Of the patches that are described: anomalib counts the zeros of the margin as well, a
        quarter of a map of 256 x 256 pixels, which moves both quantiles down. Where both are the
        same, as of plain images, the upper one is the next number that can be told from it.

        Args:
            normals: (N, 3, H, W) uint8.
            low, high: the quantiles that become 0 and 0.1.
        """
        values = torch.cat([self.distances(self.prepare(x)).cpu() for x in batched(normals, 8)])
        flat = values.transpose(0, 1).flatten(1).numpy()
        ranks = [round(q * (flat.shape[1] - 1)) for q in (low, high)]
        flat.partition(ranks, axis=1)  # in place: of many images a sort takes many times as much
        found = torch.from_numpy(flat[:, ranks])
        lower, eps = found[:, 0], torch.finfo(found.dtype).eps
        found[:, 1] = torch.maximum(found[:, 1], lower + eps * lower.clamp_min(eps))
        self.quantiles = found.to(self.quantiles)

    def fit(
        self, data: AnomalyData, config: EfficientADFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_efficient_ad``."""
        return fit_efficient_ad(self, data, config or EfficientADFit(), work or Work()).detector
