"""The evaluation that an entry is made of: the same for whoever makes it again."""

from dataclasses import dataclass
from typing import Any

from hardsight.attacks import ATTACKS, Suite, build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.benchmark.plan import Measuring, ThreatAsked
from hardsight.config import Config, DetectorConfig
from hardsight.evaluation import Protocol
from hardsight.runs.figures import AttackChoice, Figures, ImageChoice, PlannedEvaluation


def suites_of(threat: ThreatAsked, random: bool) -> tuple[str, ...]:
    """Return the suites of a threat that a model is attacked by.

    Args:
        threat: under which.
        random: whether the model draws noise.
    """
    return tuple(s for s in threat.suites if random or not ATTACKS[s].for_noise)


def demand_detector(threat: ThreatAsked, config: Config) -> None:
    """Refuse to certify what is no detector.

    Args:
        threat: a certificate, or another.
        config: of the run.

    Raises:
        ValueError: it is that of a classifier.
    """
    if threat.sigma is not None and not isinstance(config, DetectorConfig):
        raise ValueError(
            f"sigma={threat.sigma:g} certifies detectors, and {config.preset or config.method} "
            "trains a classifier; leave that threat, or that method, out of the plan"
        )


def built(threat: ThreatAsked, how: Measuring, config: Config) -> dict[str, Suite]:
    """Return name -> suite of a threat, before there is a model to attack.

    Args:
        threat: under which.
        how: it is measured.
        config: of the run that is attacked, whose kind the suites must be for.

    Raises:
        ValueError: a suite, norm, radius or budget that does not exist, or what
            ``demand_detector`` refuses.
    """
    demand_detector(threat, config)
    if not threat.attacked:
        return {}
    build = build_suite if isinstance(config, DetectorConfig) else class_suite
    return {s: build(s, threat.norm, threat.eps, how.budget, **how.effort) for s in threat.suites}


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Args:
        threat: under which.
        how: it is measured.
        seed: of the measurement.
        random: whether the model draws noise.
    """

    threat: ThreatAsked
    how: Measuring
    seed: int
    random: bool

    def evaluation(self, figures: Figures[Any]) -> PlannedEvaluation:
        """Return the evaluation of a run's model, before it is carried out."""
        threat, how = self.threat, self.how
        asked = suites_of(threat, self.random) if threat.attacked else ("none",)
        attacks = AttackChoice(asked, threat.norm, threat.eps, how.budget, how.effort, curve="")
        shown = how.pictures, (), threat.severities
        protocol = Protocol(how.fresh_draws, self.seed, how.batch_size, *shown)
        images = ImageChoice(limit=None if threat.clean else how.images, balanced=True)
        return figures.evaluation(images, attacks, protocol)
