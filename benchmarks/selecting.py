"""By which rule should a way to score be chosen from few validation images?

    .venv/bin/python benchmarks/selecting.py runs/hardsight/bottle runs/hardsight/toothbrush

All ways to score of a run's denoiser are attacked together, on all of its validation normals and
synthetic defects. Then many times over some normals and the defects made of them are drawn, each
rule chooses by these, and what it chose is judged on the others: the mean of AUROC clean and under
the worst per image. "Best there is" looks at the others itself; "any" draws lots.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from figures import keep
from numpy.typing import NDArray
from scipy.stats import norm

from hardsight.cli.progress import told
from hardsight.detectors import AdvRAD, Bastion, Selection
from hardsight.detectors.advrad.candidates import Candidate, distance
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.evidence import selection_score
from hardsight.evaluation.provenance import commit
from hardsight.metrics import auroc
from hardsight.runs import open_detector_run

WEIGHT = 0.5
"""Of the AUROC under attack beside the clean one, as in the presets."""
Rule = Callable[[Sequence[Candidate], int], Candidate]
"""(what every way to score makes of some images, how many of each label) -> the chosen."""


def _distance(candidate: Candidate) -> float:
    return candidate.rank(WEIGHT)[1]


def _near_the_best(seen: Sequence[Candidate], each: int) -> Candidate:
    best = max(seen, key=lambda c: c.selection_score(WEIGHT))
    error = math.hypot(*(_error(a, each) for a in (best.clean, max(best.transferred, 0.5)))) / 2
    near = [c for c in seen if c.selection_score(WEIGHT) >= best.selection_score(WEIGHT) - error]
    return max(near, key=_distance)


def _error(value: float, each: int) -> float:
    """Standard error of an AUROC of as many normal as anomalous images (Hanley, McNeil, 1982)."""
    spread = value / (2 - value) + 2 * value**2 / (1 + value) - 2 * value**2
    return math.sqrt(max(value - value**2 + (each - 1) * spread, 0.0)) / each


def _binormal(candidate: Candidate) -> float:
    distances = candidate.clean_distance, candidate.worst_distance
    clean, worst = (float(norm.cdf(d / math.sqrt(2))) for d in distances)
    return selection_score(clean, worst, WEIGHT)


RULES: dict[str, Rule] = {
    "selection score, ties by d'": lambda seen, each: max(seen, key=lambda c: c.rank(WEIGHT)),
    "d' alone": lambda seen, each: max(seen, key=_distance),
    "d' as the AUROC of two normal distributions": lambda seen, each: max(seen, key=_binormal),
    "d' within a standard error of the best score": _near_the_best,
}


def judged(
    candidates: Sequence[Candidate],
    clean: NDArray[np.float64],
    worst: NDArray[np.float64],
    labels: NDArray[np.bool_],
) -> list[Candidate]:
    """Return the candidates as scores (C, N), clean and the worst per image, show them."""
    return [
        replace(
            c,
            clean=auroc(a, labels),
            transferred=auroc(w, labels),
            robust=None,
            clean_distance=distance(a, labels),
            worst_distance=distance(w, labels),
        )
        for c, a, w in zip(candidates, clean, worst, strict=True)
    ]


def study(
    search: ScoringSearch, clean: NDArray[np.float64], normals: int, each: int
) -> dict[str, float]:
    """Return the mean selection score, on images left out, of what each rule chooses."""
    labels = search.few.labels.numpy()
    owner = np.arange(len(labels)) % normals  # a copy stands a multiple of all normals behind
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for _ in range(200):
        some = np.isin(owner, rng.permutation(normals)[:each])
        seen, others = (
            judged(search.candidates, clean[:, part], search.worst[:, part], labels[part])
            for part in (some, ~some)
        )
        true = [c.selection_score(WEIGHT) for c in others]
        for name, rule in RULES.items():
            found.setdefault(name, []).append(true[seen.index(rule(seen, each))])
        found.setdefault("best there is", []).append(max(true))
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
        run = open_detector_run(path)
        detector, data, settings = run.detector(), run.data(), run.config.fit.selection
        if not isinstance(detector, AdvRAD | Bastion) or not isinstance(settings, Selection):
            raise SystemExit(f"{path} chose nothing; name a run of preset advrad or hardsight")
        validation = data.validation.images()
        n = len(validation)
        everything = {"images": n, "copies": 1, "attacked": n}
        settings = settings.model_copy(update=everything)
        evidence = settings.evidence(validation, 99)
        with told() as progress:
            search = ScoringSearch(detector, data.train.images(), evidence, settings, 0)
            clean = search.worst.copy()
            search.attack_middling()
            for done in range(given.attacks):
                progress("attacks", done, given.attacks)
                by = done % 2  # what is best by score and by distance, in turns
                left = [c for c in search.candidates if c.robust is None]
                search.attack(max(left, key=lambda c: c.rank(settings.robust_weight)[by:]))
            progress("attacks", given.attacks, given.attacks)
        each = min(given.normals, n // 2)
        found = study(search, clean, n, each)
        for name, value in found.items():
            print(f"{data.name:<12} {name:<46} {value:.3f}")
        about = {"ways to score": len(clean), "normals": n, "commit": commit()}
        about |= {"chosen by": each, "seed": run.config.training.seed}
        keep("selecting", f"{data.name}, {run.config.preset}, seed {about['seed']}", found | about)


if __name__ == "__main__":
    main()
