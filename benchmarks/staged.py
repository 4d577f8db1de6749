"""A fitted detector, measured in stages that a file of results keeps one by one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from figures import keep, kept
from timing import interleaved

from hardsight.attacks import Suite
from hardsight.audit import Audit
from hardsight.data import AnomalyData
from hardsight.detectors import Detector
from hardsight.evaluation import Evaluation
from hardsight.evaluation.wording import radius

BATCH = 4
"""Images scored at a time where scoring is timed."""
Stages = dict[str, Callable[[], Any]]
"""Stage -> what makes it, in order."""


@dataclass(frozen=True)
class Attacks:
    """Which attacks a detector is measured under."""

    suites: tuple[Suite, ...]
    images: int
    """Test images that are attacked, half of them anomalous."""

    def named(self, suite: Suite) -> str:
        """Return the name of the stage in which a suite attacks."""
        where = radius(suite.ball.name, suite.ball.eps)
        return f"{suite.name}, {where}, {self.images} images, {suite.budget}"


def audited(audit: Audit) -> dict[str, Any]:
    """Return what a file of results keeps of an audit."""
    return {
        "verdict": audit.verdict,
        "headline": audit.headline,
        "checks": {check.name: check.verdict for check in audit.checks},
        "made": audit.provenance,
        "radius": radius(audit.norm, audit.eps),
    }


class Staged(ABC):
    """A detector that is fitted, and then measured clean and under attacks."""

    def __init__(self, attacks: Attacks) -> None:
        self.attacks = attacks

    @property
    @abstractmethod
    def opened(self) -> tuple[Detector, AnomalyData]:
        """The fitted detector, and its data set."""

    @property
    @abstractmethod
    def weights(self) -> str | None:
        """The fingerprint of the fitted detector; None: it is not fitted."""

    @abstractmethod
    def fit(self) -> dict[str, Any]:
        """Fit, and say what it took and what was fitted: ``weights``, ``provenance``, ..."""

    @abstractmethod
    def measured(self, data: AnomalyData, suites: Sequence[Suite] = ()) -> Evaluation:
        """Evaluate the fitted detector; finished batches are kept."""

    @property
    def checks(self) -> Stages:
        """What is checked of the fitted detector before it is attacked."""
        return {}

    @property
    def stages(self) -> Stages:
        """All stages, in order."""
        attacks = {self.attacks.named(s): partial(self.attack, s) for s in self.attacks.suites}
        first = {"fit": self.fit, "clean": self.clean, "scoring": self.score}
        return first | self.checks | attacks

    @property
    def attacked(self) -> AnomalyData:
        """The data set with the test images that are attacked."""
        return self.opened[1].limited(self.attacks.images, balanced=True)

    def clean(self) -> dict[str, Any]:
        """Measure all test images, left alone."""
        found = self.measured(self.opened[1])
        return {"test images": len(found.labels), "rows": found.to_json()["rows"]}

    def score(self) -> dict[str, float]:
        """Time the scoring of a small batch."""
        detector, data = self.opened
        images = data.test.of(data.test.samples[:BATCH]).images()
        seconds = interleaved({"batch": lambda: detector.predict(images)}, rounds=3)["batch"]
        return {"images a second": len(images) / seconds, "batch": len(images)}

    def attack(self, suite: Suite) -> dict[str, Any] | None:
        """Attack a part of the test images; None where noise is averaged and there is none."""
        if suite.name == "eot-pgd" and not self.opened[0].random:
            return None
        return {"rows": self.measured(self.attacked, [suite]).to_json()["rows"]}


def measure(staged: Staged, results: str, key: str) -> None:
    """Make the stages that an entry lacks; what was measured of other weights is made anew."""
    entry = kept(results).get(key, {})
    due = [name for name in staged.stages if name not in entry]
    if due and entry and entry["fit"]["weights"] != staged.weights:
        entry, due = {}, list(staged.stages)
    for name in due:
        entry[name] = implied(entry, name) or staged.stages[name]()
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
