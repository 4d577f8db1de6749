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
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

import baseline_tables
from evaluated import fitted, measured
from figures import keep, kept
from memory import peak_memory
from sets import add_settings, parsed
from timing import interleaved

from hardsight.attacks import Ball, Suite, build_ball, build_suite
from hardsight.audit import Budget, audit
from hardsight.backbones import Backbone
from hardsight.cli.progress import told
from hardsight.config import Config, load_preset
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector
from hardsight.detectors.methods import METHODS
from hardsight.evaluation import Execution, Protocol
from hardsight.evaluation.provenance import describe, fingerprint
from hardsight.evaluation.wording import radius
from hardsight.runs import DetectorRun, start_run
from hardsight.runs.folder import METRICS

BATCH = 4
"""Images scored at a time where scoring is timed."""


@dataclass(frozen=True)
class Plan:
    """What is measured of every run."""

    suites: tuple[Suite, ...]
    images: int
    """Test images that are attacked, half of them anomalous."""
    ball: Ball
    """The threat model of the audit."""
    audit: str | Budget | None = None
    """What the audit may spend, see ``hardsight.audit.BUDGETS``; None: there is none."""

    def named(self, suite: Suite) -> str:
        """Return the name of the stage in which a suite attacks."""
        where = radius(suite.ball.name, suite.ball.eps)
        return f"{suite.name}, {where}, {self.images} images, {suite.budget}"


class Baseline:
    """A run, measured in stages.

    Args:
        run: fitted here where it was not.
        plan: what is measured.
    """

    def __init__(self, run: DetectorRun, plan: Plan) -> None:
        self.run, self.plan = run, plan

    @cached_property
    def opened(self) -> tuple[Detector, AnomalyData]:
        """The fitted detector, and its data set."""
        return self.run.tested()

    @property
    def stages(self) -> dict[str, Callable[[], Any]]:
        """Stage -> what makes it, in order."""
        attacks = {self.plan.named(s): partial(self.attack, s) for s in self.plan.suites}
        audits = {"audit": self.audit} if self.plan.audit else {}
        return {"fit": self.fit, "clean": self.clean, "scoring": self.score} | audits | attacks

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

    def clean(self) -> dict[str, Any]:
        """Measure all test images, left alone."""
        found = measured(self.run, *self.opened, protocol=Protocol(gallery=0))
        return {"test images": len(found.labels), "rows": found.to_json()["rows"]}

    def score(self) -> dict[str, float]:
        """Time the scoring of a small batch."""
        detector, data = self.opened
        images = data.test.of(data.test.samples[:BATCH]).images()
        seconds = interleaved({"batch": lambda: detector.predict(images)}, rounds=3)["batch"]
        return {"images a second": len(images) / seconds, "batch": len(images)}

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
        return {
            "verdict": found.verdict,
            "headline": found.headline,
            "checks": {check.name: check.verdict for check in found.checks},
            "made": found.provenance,
            "radius": radius(ball.name, ball.eps),
        }

    def attack(self, suite: Suite) -> dict[str, Any] | None:
        """Attack a part of the test images; None where noise is averaged and there is none."""
        detector, data = self.opened
        if suite.name == "eot-pgd" and not detector.random:
            return None
        part = data.limited(self.plan.images, balanced=True)
        found = measured(self.run, detector, part, [suite], protocol=Protocol(gallery=0))
        return {"rows": found.to_json()["rows"]}


def backbone_of(detector: Detector) -> str | None:
    """Return the pretrained network of a detector in words; None: it has none."""
    return next((str(m) for m in detector.modules() if isinstance(m, Backbone)), None)


def measure(baseline: Baseline, results: str, key: str) -> None:
    """Make the stages that an entry lacks; what was measured of other weights is made anew."""
    entry = kept(results).get(key, {})
    due = [name for name in baseline.stages if name not in entry]
    if due and entry:
        run = baseline.run
        if not run.finished or entry["fit"]["weights"] != fingerprint(baseline.opened[0]):
            entry, due = {}, list(baseline.stages)
    for name in due:
        entry[name] = implied(entry, name) or baseline.stages[name]()
        keep(results, key, entry)
        print(f"{key}: {name} is done")


def implied(entry: dict[str, Any], name: str) -> dict[str, str] | None:
    """Say which attack in the same ball left an AUROC of 0, which no other can lower."""
    suite, _, rest = name.partition(", ")
    for other, found in entry.items():
        if rest and other != name and other.endswith(rest) and found and "rows" in found:
            left = [r["mean"][0] for r in found["rows"] if r["attack"] != "clean"]
            if left and max(left) == 0:
                return {"implied by": other, "not run": suite}
    return None


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
