"""How long a plan takes, before it begins: by what methods took where they were measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch

from hardsight.attacks import Suite, build_suite
from hardsight.benchmark.asked import suites_of
from hardsight.benchmark.job import Job, Places
from hardsight.benchmark.measuring import Measurement
from hardsight.benchmark.plan import Plan, ThreatAsked
from hardsight.config import DetectorConfig
from hardsight.core.speed import slowness
from hardsight.data import published_sets
from hardsight.detectors.advrad.scoring import Scoring
from hardsight.detectors.methods import METHODS
from hardsight.synthesis import CORRUPTIONS

GRADIENT = 3
"""Times as long as a score that a pass of an attack takes, which has a gradient."""
MEASURED_SIDE = 256
"""Pixels of the images that methods were timed on, see ``hardsight.detectors.method.Seconds``."""
UNKNOWN_SET = 80
"""Test images of a data set whose official number is not known."""


class Estimate(NamedTuple):
    """What a job will take."""

    job: Job
    seconds: float | None
    """On one worker; None: the method was measured nowhere."""
    entries: int
    """That are to be made."""


def estimate(plan: Plan, places: Places, device: torch.device) -> list[Estimate]:
    """Return what each job of a plan takes here; jobs whose images are missing are left out.

    Args:
        plan: what is measured.
        places: where; what is there already costs nothing.
        device: only of a CPU it is known how fast it is beside the machine of the measurements.
    """
    slow = slowness(device)
    return [_of(plan, job, places, slow) for job in plan.jobs() if job.missing(places) is None]


def _of(plan: Plan, job: Job, places: Places, slow: float | None) -> Estimate:
    measurement = Measurement(job, plan, places)
    due = [threat for threat in plan.threats if measurement.kept(threat) is None]
    config = job.config(places)
    known = METHODS[config.method].seconds if isinstance(config, DetectorConfig) else None
    if not due:
        return Estimate(job, 0.0, 0)
    if known is None or known.fit is None or known.image is None or slow is None:
        return Estimate(job, None, len(due))
    settings = config.detector_settings
    area = (settings["image_size"] / MEASURED_SIDE) ** 2
    images, scored = _test_images(job), _Scored.by(settings)
    attacked = min(images, plan.how.images or images)
    scores: float = images * scored.looks(plan)
    scores += sum(attacked * scored.under(plan, threat) for threat in due)
    fit = 0.0 if job.method.parts else known.fit
    return Estimate(job, slow * area * (fit + known.image * scored.steps * scores), len(due))


@dataclass(frozen=True)
class _Scored:
    """How a detector scores, as far as its settings tell."""

    steps: int = 1
    """Passes of its denoiser in a score; methods were timed in one."""
    draws: int = 1
    """Noise draws that a score averages."""
    random: bool = False
    """Whether the noise is another each time."""

    @classmethod
    def by(cls, settings: Mapping[str, Any]) -> Self:
        """Read the settings of a detector: what denoises has noise, unless that is fixed."""
        scoring = settings.get("scoring")
        if not isinstance(scoring, Scoring):
            return cls()
        return cls(scoring.steps, scoring.draws, not settings.get("fixed_noise", False))

    def looks(self, plan: Plan) -> int:
        """Return how often an image is scored."""
        return plan.how.fresh_draws if self.random else 1

    def under(self, plan: Plan, threat: ThreatAsked) -> float:
        """Return what a threat takes for an image, in scores of one."""
        if threat.sigma is not None:
            return threat.copies
        how = plan.how
        if threat.severities:
            return len(CORRUPTIONS) * len(threat.severities) * self.looks(plan)
        suites = (
            build_suite(s, threat.norm, threat.eps, how.budget, **how.effort)
            for s in suites_of(threat, self.random)
        )
        return sum(GRADIENT * self.evaluations(suite) + self.looks(plan) for suite in suites)

    def evaluations(self, suite: Suite) -> float:
        """Return the gradients of a score that a suite takes, with the noise known as well."""
        made = [suite, suite.once] if self.random and suite.fixed else [suite]
        if not self.random:
            made = [suite.once]
        return sum(one.passes(self.draws) for one in made) / self.draws


def _test_images(job: Job) -> int:
    official = published_sets().get(job.data.name)
    if official is None or (job.category and job.category not in official.categories):
        return UNKNOWN_SET
    counts = official.official(job.category or "")
    return (counts.good or 0) + (counts.anomalous or 0) or UNKNOWN_SET
