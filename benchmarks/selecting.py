"""By which rule should a way to score be chosen from few validation images?

    .venv/bin/python benchmarks/selecting.py runs/hardsight/bottle runs/hardsight/toothbrush

All ways to score of a run's denoiser are attacked together, on all of its validation normals and
synthetic defects. Then many times over some normals and the defects made of them are drawn, each
rule chooses by these, and what it chose is judged on the others: the mean of AUROC clean and under
the worst per image. "Best there is" looks at the others itself; "any" draws lots.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from figures import keep
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from hardsight.cli.console import bars
from hardsight.detectors import AdvRAD
from hardsight.detectors.contest import Contest
from hardsight.evaluation.provenance import commit
from hardsight.runs import Run

Values = NDArray[np.float64]
"""(C,) a figure of each way to score."""
FLOOR = 1e-12


class Seen(NamedTuple):
    """What every way to score makes of some images, clean and under the worst of the attacks."""

    clean: Values
    worst: Values
    clean_distance: Values
    worst_distance: Values
    error: Values
    """Standard error of the merit."""

    @property
    def merit(self) -> Values:
        """As ``hardsight.detectors.evidence.merit`` has it, half of it robust."""
        return (self.clean + np.maximum(self.worst, 0.5)) / 2

    @property
    def distance(self) -> Values:
        """The mean d', one under attack below zero counting zero."""
        return (self.clean_distance + np.maximum(self.worst_distance, 0.0)) / 2


def _near_the_best(seen: Seen) -> int:
    best = seen.merit.argmax()
    near = seen.merit >= seen.merit[best] - seen.error[best]
    return int(np.where(near, seen.distance, -np.inf).argmax())


def _binormal(seen: Seen) -> int:
    clean, worst = (norm.cdf(d / np.sqrt(2)) for d in (seen.clean_distance, seen.worst_distance))
    return int((clean + np.maximum(worst, 0.5)).argmax())


RULES: dict[str, Callable[[Seen], int]] = {
    "merit, ties by d'": lambda s: int((s.merit + 1e-6 * s.distance).argmax()),
    "d' alone": lambda s: int(s.distance.argmax()),
    "d' as the AUROC of two normal distributions": _binormal,
    "d' within a standard error of the best merit": _near_the_best,
}


def aurocs(scores: Values, labels: NDArray[np.bool_]) -> Values:
    """(C,) of scores (C, N)."""
    bad, good = int(labels.sum()), int((~labels).sum())
    ranks = rankdata(scores, axis=1)
    found: Values = (ranks[:, labels].sum(1) - bad * (bad + 1) / 2) / (bad * good)
    return found


def distances(scores: Values, labels: NDArray[np.bool_]) -> Values:
    """(C,) d' of the logarithms of scores (C, N)."""
    logs = np.log(np.maximum(scores, FLOOR))
    bad, good = logs[:, labels], logs[:, ~labels]
    spread = np.sqrt((bad.var(1, ddof=1) + good.var(1, ddof=1)) / 2 + FLOOR)
    found: Values = (bad.mean(1) - good.mean(1)) / spread
    return found


def variances(auroc: Values, labels: NDArray[np.bool_]) -> Values:
    """(C,) of AUROCs (Hanley and McNeil, 1982)."""
    bad, good = int(labels.sum()), int((~labels).sum())
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    square = auroc**2
    total = auroc - square + (bad - 1) * (q1 - square) + (good - 1) * (q2 - square)
    return np.maximum(total, 0.0) / (bad * good)


def see(clean: Values, worst: Values, labels: NDArray[np.bool_]) -> Seen:
    """Judge scores (C, N), clean and the worst per image."""
    a, w = aurocs(clean, labels), aurocs(worst, labels)
    error = np.sqrt(variances(a, labels) + variances(np.maximum(w, 0.5), labels)) / 2
    return Seen(a, w, distances(clean, labels), distances(worst, labels), error)


def study(contest: Contest, clean: Values, normals: int, chosen_by: int) -> dict[str, float]:
    """Return the mean merit, on images left out, of what each rule chooses."""
    labels = contest.few.labels.numpy()
    owner = np.arange(len(labels)) % normals  # a copy stands a multiple of all normals behind
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for _ in range(200):
        some = np.isin(owner, rng.permutation(normals)[:chosen_by])
        seen = see(clean[:, some], contest.worst[:, some], labels[some])
        true = see(clean[:, ~some], contest.worst[:, ~some], labels[~some]).merit
        for name, rule in RULES.items():
            found.setdefault(name, []).append(true[rule(seen)])
        found.setdefault("best there is", []).append(true.max())
        found.setdefault("any", []).append(true[rng.integers(len(true))])
    return {name: float(np.mean(values)) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--attacks", type=int, default=6, help="on as many ways to score")
    parser.add_argument("--normals", type=int, default=16, help="to choose by, half at most")
    given = parser.parse_args()
    for path in given.runs:
        run = Run(path)
        detector, data, settings = run.detector(), run.data(), run.config.selection
        if not isinstance(detector, AdvRAD) or settings is None:
            raise SystemExit(f"{path} chose nothing; name a run of preset advrad or hardsight")
        validation = data.validation.images()
        n = len(validation)
        everything = {"images": n, "copies": 1, "attacked": n}
        settings = settings.model_copy(update=everything)
        evidence = settings.evidence(validation, 99)
        with bars() as progress:
            contest = Contest(detector, data.train.images(), evidence, settings, 0)
            clean = contest.worst.copy()
            contest.attack_middling()
            for done in range(given.attacks):
                progress("attacks", done, given.attacks)
                by = done % 2  # what is best by merit and by distance, in turns
                left = [c for c in contest.candidates if c.robust is None]
                contest.attack(max(left, key=lambda c: c.rank(settings.robust_weight)[by:]))
            progress("attacks", given.attacks, given.attacks)
        found = study(contest, clean, n, min(given.normals, n // 2))
        for name, value in found.items():
            print(f"{data.name:<12} {name:<46} {value:.3f}")
        about = {"ways to score": len(clean), "normals": n, "commit": commit()}
        about |= {"chosen by": min(given.normals, n // 2), "seed": run.config.training.seed}
        keep("selecting", f"{data.name}, {run.config.preset}, seed {about['seed']}", found | about)


if __name__ == "__main__":
    main()
