"""One image under attack, and under the noise of a certificate."""

import io
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hardsight.attacks import PGD, Linf, ScoreObjective
from hardsight.certify import Decision, certified_radius, detector_scorer, score_samples
from hardsight.data.images import within
from hardsight.metrics import alarms
from hardsight.reports.pictures import perturbation
from hardsight.serve.models import ServedModel
from hardsight.serve.scoring import Job

CONFIDENCE = 0.999
COPIES_AT_ONCE = 16


@dataclass(frozen=True)
class AttackedImage:
    """What an attack made of one image, as scores and pictures."""

    clean_score: float
    score: float
    p_value: float
    clean_label: bool
    label: bool
    l2: float
    """Norm of the change."""
    picture: bytes
    """PNG."""
    perturbation: bytes
    """JPEG, ten times."""
    heat: bytes
    """PNG."""


@dataclass
class Attacking:
    """PGD on the image of a job towards the other decision, step by step.

    On the noise that decisions are made on, which the attacker knows: the strongest case for so
    few steps. A normal image is to raise an alarm, an anomalous one is to hide.
    """

    job: Job
    eps: float
    steps: int
    made: int = 0
    nonfinite: bool = False
    """Whether a gradient was NaN or infinite: that so hindered an attack fails proves nothing."""

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return self.made >= self.steps or self.eps == 0

    @cached_property
    def clean(self) -> Tensor:
        """The image (1, 3, H, W) as the detector takes it."""
        return self.job.model.detector.prepare(self.job.image[None])

    @cached_property
    def score(self) -> Tensor:
        """The score (1,) of the clean image."""
        return self.job.model.detector.decide(self.clean, 1).pred_score

    @cached_property
    def label(self) -> Tensor:
        """The label (1,) of the clean image."""
        return alarms(self.score, self.job.model.calibration.threshold)

    @cached_property
    def attacked(self) -> Tensor:
        """The image (1, 3, H, W) after the steps that are made."""
        return self.clean

    def step(self) -> None:
        """Make one more step, as PGD of so many makes it."""
        ball, detector = Linf(self.eps), self.job.model.detector
        walk = PGD(ball, 1, ball.path * ball.eps / self.steps, random_start=False)
        noise = detector.decision_noise(self.clean)
        objective = ScoreObjective(detector, self.label, surrogate="score", noise=noise)
        found = walk(objective, self.clean, start=self.attacked)
        self.attacked, self.made = found.images, self.made + 1
        self.nonfinite |= bool(found.nonfinite)


def attacked_image(work: Attacking) -> AttackedImage:
    """Return what an attack made of an image."""
    job, calibration = work.job, work.job.model.calibration
    after = job.model.detector.decide(work.attacked, 1)
    scores = after.pred_score.double().numpy()
    original, shown = (within(x[0], job.window) for x in (work.clean, work.attacked))
    return AttackedImage(
        clean_score=float(work.score),
        score=float(scores[0]),
        p_value=float(calibration.p_values(scores)[0]),
        clean_label=bool(work.label),
        label=bool(alarms(scores, calibration.threshold)[0]),
        l2=float((work.attacked - work.clean).norm()),
        picture=_png(shown),
        perturbation=perturbation(original, shown, 512),
        heat=job.heat(after.anomaly_map[0, 0]),
    )


@dataclass
class Certifying:
    """The noisy copies of one image, scored part by part."""

    model: ServedModel
    image: Tensor
    sigma: float
    copies: int
    scores: list[float] = field(default_factory=list)
    _generator: Any = None

    @property
    def done(self) -> bool:
        """Whether all copies are scored."""
        return len(self.scores) >= self.copies

    def step(self) -> None:
        """Score some more copies."""
        detector = self.model.detector
        image = detector.prepare(self.image[None])[0]
        if self._generator is None:
            self._generator = torch.Generator(detector.device).manual_seed(0)
        count = min(COPIES_AT_ONCE, self.copies - len(self.scores))
        scorer = detector_scorer(detector)
        found = score_samples(scorer, image, count, self.sigma, self._generator, count)
        self.scores += found.tolist()


@dataclass(frozen=True)
class CertifiedImage:
    """What is certain of an image."""

    decision: str
    radius: float | None
    median: float
    confidence: float = CONFIDENCE


def certify_image(work: Certifying) -> CertifiedImage:
    """Return the decision of the smoothed score at the model's threshold, and its radius.

    The threshold was set on scores without noise: a certificate at it holds, and says nothing of
    false alarms of the smoothed score.
    """
    threshold = work.model.calibration.threshold
    found = certified_radius(work.scores, threshold, work.sigma, 1 - CONFIDENCE)
    radius = float(found.radius)
    decision = Decision(int(found.decision)).name
    certain = None if math.isnan(radius) else radius
    return CertifiedImage(decision, certain, float(np.median(work.scores)))


def _png(image: Tensor) -> bytes:
    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
