"""Fit methods on data sets, and measure them clean, audited and attacked; results/baselines.json.

    .venv/bin/python benchmarks/baselines.py ../shared/data/mvtec256/{bottle,screw} \
        --methods patchcore padim
    .venv/bin/python benchmarks/baselines.py --table

An entry is one method on one data set under one seed, made in stages that are each kept when they
are done: fit, clean figures on all test images, images a second, audit, and one stage for every
suite in every ball on a part of the test images. A second call makes what is missing; fitted runs
are in runs/baselines/, so that other suites need no other fit. ``--table`` prints published and
measured figures side by side, see ``baseline_tables``.
"""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import baseline_tables
import evaluated
from evaluated import fitted
from figures import kept
from memory import peak_memory
from sets import add_settings, parsed
from staged import Attacks, Staged, Stages, audited, measure

from hardsight.attacks import Ball, Suite, build_ball, build_suite
from hardsight.audit import Budget, audit
from hardsight.backbones import Backbone
from hardsight.cli.progress import told
from hardsight.config import Config, load_preset
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector
from hardsight.detectors.methods import METHODS
from hardsight.evaluation import Evaluation, Execution, Protocol
from hardsight.evaluation.provenance import describe, fingerprint
from hardsight.runs import DetectorRun, start_run
from hardsight.runs.folder import METRICS


@dataclass(frozen=True)
class Plan(Attacks):
    """What is measured of every run."""

    ball: Ball
    """The threat model of the audit."""
    audit: str | Budget | None = None
    """What the audit may spend, see ``hardsight.audit.BUDGETS``; None: there is none."""


class Baseline(Staged):
    """A run, measured in stages.

    Args:
        run: fitted here where it was not.
        plan: what is measured.
    """

    def __init__(self, run: DetectorRun, plan: Plan) -> None:
        super().__init__(plan)
        self.run, self.plan = run, plan

    @cached_property
    def opened(self) -> tuple[Detector, AnomalyData]:
        """The fitted detector, and its data set."""
        return self.run.tested()

    @property
    def weights(self) -> str | None:
        """The fingerprint of the fitted detector; None: it is not fitted."""
        return fingerprint(self.opened[0]) if self.run.finished else None

    @property
    def checks(self) -> Stages:
        """The audit, if there is one."""
        return {"audit": self.audit} if self.plan.audit else {}

    def fit(self) -> dict[str, Any]:
        """Fit, and say what it took and what was fitted; no peak of a fit that was there."""
        took: dict[str, Any] = {}
        if not self.run.finished:
            with peak_memory() as memory:
                fitted(self.run)
            took = {"memory before, MiB": memory.before, "peak memory, MiB": memory.most}
        detector, data = self.opened
        metrics = json.loads((self.run.path / METRICS).read_text(encoding="utf-8"))
        seed = self.run.config.training.seed
        return {
            **took,
            **metrics,
            "weights": fingerprint(detector),
            "backbone": backbone_of(detector),
            "paper": detector.paper,
            "random": detector.random,
            "provenance": describe(detector, data, Manifest.of(data).sha256, seed),
        }

    def measured(self, data: AnomalyData, suites: Sequence[Suite] = ()) -> Evaluation:
        """Evaluate the run's detector; its audit stamps the attacked rows."""
        detector, _ = self.opened
        return evaluated.measured(self.run, detector, data, suites, protocol=Protocol(gallery=0))

    def audit(self) -> dict[str, Any]:
        """Audit the detector, and leave what was found in the run."""
        ball, budget = self.plan.ball, self.plan.audit
        assert budget is not None
        with told() as progress:
            found = audit(
                *self.opened,
                eps=ball.eps,
                norm=ball.name,
                budget=budget,
                execution=Execution(progress=progress),
            )
        found.write(self.run.audit_path)
        return audited(found)


def backbone_of(detector: Detector) -> str | None:
    """Return the pretrained network of a detector in words; None: it has none."""
    return next((str(m) for m in detector.modules() if isinstance(m, Backbone)), None)


def configured(method: str, settings: list[str]) -> Config:
    """Return the preset of a method, or one by its name, with what --set says."""
    preset = METHODS[method].preset if method in METHODS else method
    return load_preset(preset).updated(parsed(settings))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="of data sets")
    parser.add_argument("--methods", nargs="+", default=[], help="methods or presets")
    add_settings(parser)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--suites", nargs="*", default=["pgd", "eot-pgd", "autoattack-rand"])
    parser.add_argument("--balls", nargs="+", default=["Linf:2/255", "L2:0.2"])
    parser.add_argument("--budget", default="fast")
    parser.add_argument("--images", type=int, default=24, help="that are attacked")
    parser.add_argument("--audit", default="quick", help="its budget; none: no audit")
    parser.add_argument("--runs", type=Path, default=Path("runs/baselines"))
    parser.add_argument("--results", default="baselines")
    parser.add_argument("--table", action="store_true", help="print what is there")
    given = parser.parse_args()
    balls = [ball.split(":") for ball in given.balls]
    suites = [build_suite(s, *ball, given.budget) for s, ball in product(given.suites, balls)]
    budget = None if given.audit == "none" else given.audit
    plan = Plan(tuple(suites), given.images, build_ball(*balls[0]), budget)
    for method, folder, seed in product(given.methods, given.folders, given.seeds):
        label = " ".join([method, *given.settings])
        config = configured(method, given.settings)
        config = config.updated({"data.path": str(folder), "training.seed": seed})
        place = given.runs / re.sub(r"[^\w.=-]+", "_", label) / f"{folder.name}-{seed}"
        run = start_run(place, config, resume=True)
        measure(Baseline(run, plan), given.results, f"{label}, {folder.name}, seed {seed}")
    if given.table:
        print(baseline_tables.tables(kept(given.results)))


if __name__ == "__main__":
    main()
