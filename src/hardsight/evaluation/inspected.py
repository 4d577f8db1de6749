"""What two detectors side by side do under attacks of either and of both, beside each alone."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import Attempt, ScoreVictim, Suite
from hardsight.attacks.entry import at_rest
from hardsight.core.batches import at_once
from hardsight.core.capabilities import averaged_draws
from hardsight.core.modules import in_mode
from hardsight.core.noise import Noise
from hardsight.core.progress import Progress, quiet
from hardsight.core.rounding import floor
from hardsight.data import AnomalyData
from hardsight.detectors import Detector, TwoWitnesses
from hardsight.evaluation.attacked import run_key
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.costs import FORWARD, attempt_cost
from hardsight.evaluation.estimate import Cost, gradient_seconds
from hardsight.evaluation.parts import Part
from hardsight.evaluation.plan import Execution
from hardsight.evaluation.provenance import digest_of, fingerprint
from hardsight.evaluation.subjects.synthetic import demand_defects
from hardsight.evaluation.wording import nonfinite_gradients
from hardsight.metrics import auroc


class Inspected(NamedTuple):
    """What one way to decide does with the test images under one attack."""

    aimed_at: str
    """What the attack knew and was aimed at: "nothing", "robust", "clean" or "both"."""
    decided_by: str
    """"robust" or "clean" alone, or "both"."""
    missed: int
    """Those of ``defects`` that are taken for good."""
    defects_again: int
    """Those of ``defects`` that are inspected again."""
    stopped: int
    """Those of ``good`` that are taken for defects."""
    good_again: int
    """Those of ``good`` that are inspected again."""
    defects: int
    good: int
    auroc: float
    """Image AUROC of the score that decides; of both, of the larger exceedance."""


def inspect_attacked(
    witnesses: TwoWitnesses,
    data: AnomalyData,
    suite: Suite,
    seed: int = 0,
    progress: Progress = quiet,
    folder: str | Path | None = None,
) -> list[Inspected]:
    """Decide on a test set, clean and attacked: the robust detector, the clean one, and both.

    Each attack knows the noise of decisions, and goes through the exact gradient of what it is
    aimed at; each detector alone decides on its own noise. That of both raises or lowers the larger
    exceedance and its smooth surrogates, see ``TwoWitnesses``: of a defect until it is neither
    found nor inspected again.

    Args:
        witnesses: calibrated, each of the two detectors by itself, too.
        data: its test set is used, and nothing else.
        suite: of the score.
        seed: of the attacks.
        progress: told of images, a stage for each of what is attacked.
        folder: where finished batches are kept; what was killed goes on from there. None keeps
            nothing.

    Raises:
        ValueError: no threshold, a suite of the map, no defects or good parts in the test set, or
            scores or gradients that are not finite, which these figures cannot tell of.
    """
    labels, images = _demand(witnesses, data, suite)
    size, total, found = at_once(witnesses.size, 8), len(images), list[Inspected]()
    named = [(f"{start:06d}", slice(start, start + size)) for start in range(0, total, size)]
    with in_mode("eval", witnesses):
        facts = (*_deciding(witnesses), digest_of(data), seed, size)
        for name, victim in _victims(witnesses).items():
            stage, parts = _stage(name, victim), list[Tensor]()
            key = run_key(None if victim is None else suite.once, name, *facts)
            kept = Execution(folder).batches(key)
            progress(stage, min(total, size * sum(kept.keeps(part) for part, _ in named)), total)
            told = partial(_attempts, progress, stage, total, len(suite.attempts))
            look = partial(_looked_at, witnesses, victim, images, labels, suite, seed, told)
            for made in kept.each(look, named):
                parts.append(made["scores"])
                progress(stage, sum(map(len, parts)), total)
            found += _rows(witnesses, name, torch.cat(parts), labels)
    return found


def inspection_costs(witnesses: TwoWitnesses, data: AnomalyData, suite: Suite) -> list[Cost]:
    """Time a gradient of one batch of what each attack is aimed at, and multiply; see ``estimate``.

    Args:
        witnesses, data, suite: see ``inspect_attacked``.

    Raises:
        ValueError: as there.
    """
    labels, images = _demand(witnesses, data, suite)
    made, victims, found = suite.once, _victims(witnesses), []
    x, truth = _batch(witnesses, images, labels, slice(at_once(witnesses.size, 8)))
    with at_rest(witnesses):
        seconds = {name: _seconds(v, x, truth) for name, v in victims.items() if v is not None}
    look, minutes = FORWARD * (seconds["both"] + seconds["clean"]), len(images) / 60
    for name, victim in victims.items():
        stage = _stage(name, victim)
        if victim is None:
            found.append(Cost(Part(stage, None, 1), 0, minutes * look))
            continue
        own = averaged_draws(victim)
        cost = sum(attempt_cost(attempt, own) for attempt in made.attempts)
        cost += FORWARD * (1 + len(made.attempts))  # judged before, and after each
        spent = minutes * (look + cost * seconds[name])
        found.append(Cost(Part(stage, made, 1), made.passes(own), spent))
    return found


def _demand(
    witnesses: TwoWitnesses, data: AnomalyData, suite: Suite
) -> tuple[NDArray[np.bool_], Tensor]:
    """Return labels and images of a test set; see ``inspect_attacked`` for what is refused."""
    if suite.on_map:
        raise ValueError(f"suite={suite.name!r} attacks the map; take one of the score, as pgd")
    labels = demand_defects(data)
    witnesses.demand_calibration()
    return labels, data.test.images()


def _victims(witnesses: TwoWitnesses) -> dict[str, Detector | None]:
    """Return name -> what an attack is aimed at; None: there is none."""
    alone = {"robust": witnesses.robust, "clean": witnesses.clean}
    return {"nothing": None, **alone, "both": witnesses}


def _stage(name: str, victim: Detector | None) -> str:
    """Return what is done, by the name of what is attacked."""
    return "clean images" if victim is None else f"attack on {name}"


def _attempts(
    progress: Progress, stage: str, total: int, attempts: int, done: int, batch: int
) -> Callable[[Attempt], None]:
    """Return who hears of each attempt on a batch, and tells of its share of the images."""
    made = count(1)
    return lambda attempt: progress(stage, done + floor(next(made) * batch / attempts), total)


def _seconds(detector: Detector, x: Tensor, truth: Tensor) -> float:
    """Return the seconds of an image's score with its gradient, on the noise of decisions."""
    aimed = ScoreVictim(detector, truth)
    return gradient_seconds(aimed.objective("score", x, 1, detector.decision_noise(x)), x)


@torch.no_grad()
def _scores(witnesses: TwoWitnesses, x: Tensor) -> Tensor:
    """Return scores (B, 3): of both detectors side by side, and of the clean one by itself.

    Beside the other its noise is another than its own; the robust one's is the same.
    """
    together = witnesses.scores(x, witnesses.decision_noise(x))
    alone = witnesses.clean.score_only(x, witnesses.clean.decision_noise(x)).pred_score
    return torch.cat((together, alone[:, None]), 1).cpu()


def _deciding(witnesses: TwoWitnesses) -> tuple[object, ...]:
    """Return what the answers of both, side by side and alone, follow from."""
    each = (witnesses.robust, witnesses.clean)
    thresholds = (d.demand_calibration().threshold for d in each)
    return (*map(fingerprint, each), *thresholds, witnesses.witnesses)


def _looked_at(
    witnesses: TwoWitnesses,
    victim: Detector | None,
    images: Tensor,
    labels: NDArray[np.bool_],
    suite: Suite,
    seed: int,
    told: Callable[[int, int], Callable[[Attempt], None]],
    some: slice,
) -> Tensors:
    """Return what ``_scores`` says of ``some`` of the images, attacked where there is a victim."""
    x, truth = _batch(witnesses, images, labels, some)
    if victim is not None:
        noise = Noise(seed, witnesses.device)
        x = _attacked(victim, x, truth, suite, noise, some.start, told(some.start, len(x)))
    return {"scores": _scores(witnesses, x)}


def _batch(
    detector: Detector, images: Tensor, labels: NDArray[np.bool_], some: slice
) -> tuple[Tensor, Tensor]:
    """Return some of the images, as the detector takes them, and their labels."""
    return detector.prepare(images[some]), torch.from_numpy(labels[some]).to(detector.device)


def _attacked(
    victim: Detector,
    x: Tensor,
    truth: Tensor,
    suite: Suite,
    noise: Noise,
    start: int,
    told: Callable[[Attempt], None],
) -> Tensor:
    """Return the worst images that the suite finds, on the noise of decisions.

    Raises:
        ValueError: gradients that are not finite.
    """
    generator = noise.generator(f"inspect/{suite.ball}", start)
    aimed = ScoreVictim(victim, truth, victim.demand_calibration().threshold)
    found = suite.once(aimed, x, generator, victim.decision_noise(x), told)
    if bool(found.nonfinite.any()):
        raise ValueError(nonfinite_gradients(found.nonfinite.cpu().numpy()))
    return found.images


def _rows(
    witnesses: TwoWitnesses, aimed_at: str, scores: Tensor, labels: NDArray[np.bool_]
) -> Iterator[Inspected]:
    """Yield what each way to decide does at scores (N, 3), see ``_scores``."""
    none = np.zeros(len(labels), dtype=bool)
    alone = (("robust", witnesses.robust, 0), ("clean", witnesses.clean, 2))
    for name, detector, column in alone:
        own = scores[:, column].double().numpy()
        alarm = own > detector.demand_calibration().threshold
        yield _row(aimed_at, name, alarm, none, own, labels)
    exceedances = witnesses.witnesses.exceedances(scores[:, :2])
    defect, suspicious = (exceedances > 0).numpy().T
    highest = exceedances.amax(1).double().numpy()
    yield _row(aimed_at, "both", defect, suspicious & ~defect, highest, labels)


def _row(
    aimed_at: str,
    decided_by: str,
    alarm: NDArray[np.bool_],
    again: NDArray[np.bool_],
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
) -> Inspected:
    counted = (~alarm & ~again & labels, again & labels, alarm & ~labels, again & ~labels)
    missed, defects_again, stopped, good_again = (int(np.count_nonzero(part)) for part in counted)
    return Inspected(
        aimed_at=aimed_at,
        decided_by=decided_by,
        missed=missed,
        defects_again=defects_again,
        stopped=stopped,
        good_again=good_again,
        defects=int(np.count_nonzero(labels)),
        good=int(np.count_nonzero(~labels)),
        auroc=auroc(scores, labels),
    )
