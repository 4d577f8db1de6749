"""What two detectors side by side do under attacks of either and of both, beside each alone."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import ScoreVictim, Suite
from hardsight.core.batches import at_once
from hardsight.core.modules import in_mode
from hardsight.core.noise import Noise
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData
from hardsight.detectors import Detector, TwoWitnesses
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
    """Of ``defects``, those taken for good."""
    defects_again: int
    """Of ``defects``, those inspected again."""
    stopped: int
    """Of ``good`` parts, those taken for defects."""
    good_again: int
    """Of ``good`` parts, those inspected again."""
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
        progress: told of attacked images.

    Raises:
        ValueError: no threshold, a suite of the map, no defects or good parts in the test set, or
            scores or gradients that are not finite, which these figures cannot tell of.
    """
    if suite.on_map:
        raise ValueError(f"suite={suite.name!r} attacks the map; take one of the score, as pgd")
    labels, images = demand_defects(data), data.test.images()
    witnesses.demand_calibration()
    victims: dict[str, Detector | None] = {
        "nothing": None,
        "robust": witnesses.robust,
        "clean": witnesses.clean,
        "both": witnesses,
    }
    found: list[Inspected] = []
    with in_mode("eval", witnesses):
        for i, (name, victim) in enumerate(victims.items()):
            parts = []
            for done, x, truth in _batches(witnesses, images, labels):
                if victim is not None:
                    x = _attacked(victim, x, truth, suite, Noise(seed, witnesses.device), done)
                parts.append(_scores(witnesses, x))
                progress("attack", i * len(images) + done + len(x), len(victims) * len(images))
            found += _rows(witnesses, name, torch.cat(parts), labels)
    return found


@torch.no_grad()
def _scores(witnesses: TwoWitnesses, x: Tensor) -> Tensor:
    """Return scores (B, 3): of both detectors side by side, and of the clean one by itself.

    Beside the other its noise is another than its own; the robust one's is the same.
    """
    together = witnesses.scores(x, witnesses.decision_noise(x))
    alone = witnesses.clean.score_only(x, witnesses.clean.decision_noise(x)).pred_score
    return torch.cat((together, alone[:, None]), 1).cpu()


def _batches(
    detector: Detector, images: Tensor, labels: NDArray[np.bool_]
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield the number of images before, images as the detector takes them, and labels."""
    size = at_once(detector.size, 8)
    for start in range(0, len(images), size):
        truth = torch.from_numpy(labels[start : start + size]).to(detector.device)
        yield start, detector.prepare(images[start : start + size]), truth


def _attacked(
    victim: Detector, x: Tensor, truth: Tensor, suite: Suite, noise: Noise, start: int
) -> Tensor:
    """Return the worst images that the suite finds, on the noise of decisions.

    Raises:
        ValueError: gradients that are not finite.
    """
    generator = noise.generator(f"inspect/{suite.ball}", start)
    aimed = ScoreVictim(victim, truth, victim.demand_calibration().threshold)
    found = suite.once(aimed, x, generator, victim.decision_noise(x))
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
