"""How long a plan takes, before it begins: by what methods took where they were measured."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from hardsight.attacks import build_suite
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
    images = _test_images(job)
    attacked = min(images, plan.how.images or images)
    scores = images + sum(attacked * _scores(plan, threat) for threat in due)
    fit = 0.0 if job.method.parts else known.fit
    seconds = slow * area * (fit + known.image * _denoising_steps(settings) * scores)
    return Estimate(job, seconds, len(due))


def _denoising_steps(settings: Mapping[str, Any]) -> int:
    """Return how many passes of its denoiser a detector's score takes; they were timed in one."""
    scoring = settings.get("scoring")
    return scoring.steps if isinstance(scoring, Scoring) else 1


def _scores(plan: Plan, threat: ThreatAsked) -> float:
    """Return what a threat takes for an image, in scores of one."""
    if threat.sigma is not None:
        return threat.copies
    how = plan.how
    if threat.severities:
        return len(CORRUPTIONS) * len(threat.severities) * how.fresh_draws
    suites = (
        build_suite(s, threat.norm, threat.eps, how.budget, **how.effort) for s in threat.suites
    )
    return sum(GRADIENT * suite.passes() + how.fresh_draws for suite in suites)


def _test_images(job: Job) -> int:
    official = published_sets().get(job.data.name)
    if official is None or (job.category and job.category not in official.categories):
        return UNKNOWN_SET
    counts = official.official(job.category or "")
    return (counts.good or 0) + (counts.anomalous or 0) or UNKNOWN_SET
