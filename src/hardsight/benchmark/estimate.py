"""How long a plan takes, before it begins: by what methods took where they were measured."""

from collections.abc import Mapping
from inspect import signature
from typing import NamedTuple

import torch

from hardsight.attacks import Suite, build_ball
from hardsight.audit import BUDGETS
from hardsight.audit.plan import evaluations
from hardsight.audit.planned import PlannedAudit
from hardsight.audit.protocol import IMAGES
from hardsight.benchmark.asked import built, suites_of
from hardsight.benchmark.job import RUN, TEXTURES, Job, Places
from hardsight.benchmark.measuring import Measurement
from hardsight.benchmark.plan import Plan, ThreatAsked
from hardsight.benchmark.planned import PlannedDetector
from hardsight.config import DetectorConfig, load_preset
from hardsight.core.speed import slowness
from hardsight.data import published_sets
from hardsight.data.published import Counts
from hardsight.data.textures import write_textures
from hardsight.detectors.method import UNMEASURED, FitConfig
from hardsight.detectors.methods import METHODS
from hardsight.evaluation import Protocol
from hardsight.evaluation.certified.protocol import CALIBRATION_SAMPLES
from hardsight.evaluation.costs import FORWARD, attack_cost
from hardsight.evaluation.parts import parts
from hardsight.runs.folder import METRICS
from hardsight.synthesis.defects import DEFECTS

TIMED_IMAGES = 209
"""Training images of the fits that were timed, see ``hardsight.detectors.method.Seconds``."""
START_UP = 5.0
"""Seconds that a process takes until it has loaded what it needs, as measured."""
REPORT = 1.0
"""Seconds that an entry takes beside the networks, for its images, intervals and report."""
UNKNOWN_SET = 80
"""Test images of a data set whose official number is not known."""


class Estimate(NamedTuple):
    """What a job will take."""

    job: Job
    seconds: float | None
    """On a worker that was begun, see ``START_UP``; None: the method was measured nowhere."""
    entries: int
    """That are to be made."""


def estimate(plan: Plan, places: Places, device: torch.device) -> list[Estimate]:
    """Return what each job of a plan takes here; jobs whose images are missing are left out.

    Args:
        plan: what is measured.
        places: where; what is there already costs nothing.
        device: only of a CPU it is known how fast it is beside the machine of the measurements.

    Raises:
        ValueError: a suite, norm, radius or budget that does not exist, which is met here before
            anything is fitted.
    """
    slow = slowness(device)
    return [_of(plan, job, places, slow) for job in plan.jobs() if job.missing(places) is None]


def _of(plan: Plan, job: Job, places: Places, slow: float | None) -> Estimate:
    measurement = Measurement(job, plan, places)
    entries = {threat: measurement.kept(threat) for threat in plan.threats}
    due = [threat for threat, entry in entries.items() if entry is None]
    config = job.config(places)
    if not due:
        return Estimate(job, 0.0, 0)
    suites = {threat: built(threat, plan.how, config) for threat in due}
    known = METHODS[config.method].seconds if isinstance(config, DetectorConfig) else UNMEASURED
    if known.fit is None or known.image is None or slow is None:
        return Estimate(job, None, len(due))
    assert isinstance(config, DetectorConfig)
    images, detector = Images.of(job, config), PlannedDetector.of(config)
    default = load_preset(METHODS[config.method].preset)
    assert isinstance(default, DetectorConfig)
    timed = PlannedDetector.of(default)
    score = known.image * detector.image_cost / timed.image_cost
    audited = any(entry.audit for entry in entries.values() if entry is not None)
    costs = [_attacks(plan, one, suites[one], detector, images) for one in due]
    costs += [attack_cost(detector, None, plan.how.fresh_draws) * images.tested]
    costs += [] if audited else [_audit(plan, detector, images)]
    training = (known.fit - TIMED_IMAGES * known.image) * detector.step_cost / timed.step_cost
    fitted = (measurement.folder / RUN / METRICS).is_file()
    training *= 0.0 if fitted or job.method.parts else _steps_beside(config.fit, default.fit)
    scores = images.normal * (not fitted) + sum(costs) / FORWARD
    beside = REPORT * len(due)
    return Estimate(job, slow * (training + score * scores + beside), len(due))


class Images(NamedTuple):
    """How many images a job has."""

    normal: int
    """That it is fitted to, with those held out."""
    held_out: float
    """That set thresholds."""
    tested: int

    @classmethod
    def of(cls, job: Job, config: DetectorConfig) -> "Images":
        """Count them by what is official of the data set, or as the embedded ones are made."""
        counts = _counts(job)
        tested = (counts.good or 0) + (counts.anomalous or 0) or UNKNOWN_SET
        train, share = counts.train or TIMED_IMAGES, config.data.validation_fraction
        held_out = counts.validation or share * train
        normal = train + (counts.validation or 0)
        if config.data.limit_train is not None:
            normal = min(normal, round(config.data.limit_train + held_out))
        return cls(normal, held_out / (2 if config.fit.splits_validation else 1), tested)


def _counts(job: Job) -> Counts:
    """Return how many images a job's data set has, as far as it is known."""
    if job.data.name == TEXTURES:
        asked = signature(write_textures).bind("", **job.data.make)
        asked.apply_defaults()
        made = asked.arguments
        counts = made["train"], made["validation"], made["test_good"]
        return Counts(*counts, anomalous=made["defects_per_kind"] * len(DEFECTS))
    official = published_sets().get(job.data.name)
    if official is None or (job.category and job.category not in official.categories):
        return Counts()
    return official.official(job.category or "")


def _steps_beside(fit: FitConfig, timed: FitConfig) -> float:
    """Return the steps of a fit beside those of the one that was timed, by what they cost.

    1 where those of either are not known, as of one that chooses its patch size first.
    """
    own, whole = (sum(cost or 0.0 for cost in one.stages.values()) for one in (fit, timed))
    return own / whole if fit.stages and whole else 1.0


def _attacks(
    plan: Plan,
    threat: ThreatAsked,
    suites: Mapping[str, Suite],
    detector: PlannedDetector,
    images: Images,
) -> float:
    """Return what a threat takes, in evaluations with gradient of an image."""
    how = plan.how
    taken = min(images.tested, how.images or images.tested)
    if threat.clean:
        return 0.0  # all images are left alone once for all threats
    if threat.sigma is not None:
        calibrating = min(threat.copies, CALIBRATION_SAMPLES) * images.held_out
        return FORWARD * (threat.copies * taken + calibrating)
    names = suites_of(threat, detector.random)
    made = [suite for name, suite in suites.items() if name in names]
    protocol = Protocol(how.fresh_draws, corruptions=threat.severities)
    found = parts(detector, made, threat.norm, protocol)
    return sum(part.cost(detector) for part in found) * taken


def _audit(plan: Plan, detector: PlannedDetector, images: Images) -> float:
    """Return what the audit of a plan takes, in evaluations with gradient of an image."""
    threat = plan.audited
    if plan.how.audit is None or threat is None:
        return 0.0
    ball = build_ball(threat.norm, threat.eps)
    planned = PlannedAudit(detector, ball, BUDGETS[plan.how.audit])
    return evaluations(planned, min(images.tested, IMAGES["detector"]))
