"""Attack a whole test set, resumably, and score what comes out on noise the attack never saw."""

import hashlib
import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import MapVictim, ScoreVictim, Suite, Victim, frozen, is_random
from hardsight.core.noise import Noise
from hardsight.core.types import Progress, quiet
from hardsight.detectors import Detector
from hardsight.evaluation.batches import Tensors, pieces, shown


@dataclass(frozen=True)
class Attacked:
    """What one suite did to every image of a test set."""

    scores: NDArray[np.float64]
    """(N, D) scores of the attacked images on fresh draws."""
    fixed: NDArray[np.float64] | None
    """(N,) scores under fixed noise that the attacker knew, of images attacked for it."""
    maps: NDArray[np.float64] | None
    """(N, 1, H, W) maps of the attacked images, averaged over the fresh draws, of map attacks."""
    maps_of_one: NDArray[np.float64] | None
    """(N, 1, H, W) those of a single fresh draw, where there were several."""
    images: dict[int, Tensor]
    """Index -> attacked image (C, H, W), for those asked to be kept."""
    seconds_per_image: float
    passes: int
    """Network evaluations the attack of an image took at most, counted in single draws."""
    complete: bool = True


@torch.no_grad()
def fresh(
    detector: Detector, x: Tensor, draws: int, generator: torch.Generator, maps: bool = False
) -> Tensors:
    """Score (B, C, H, W) on independent noise, one draw of the batch at a time.

    Returns:
        "scores" (B, draws), or (B, 1) of a detector without noise, and, if asked for, "maps"
        (B, 1, H, W) averaged over the draws and, if there are several, "maps of one draw"; on the
        CPU.
    """
    columns, total, one = [], torch.zeros(()), torch.zeros(())
    draws = 1 if is_random(detector, x) is False else draws
    for draw in range(draws):
        found = (detector if maps else detector.score_only)(x, detector.sample_noise(x, generator))
        columns.append(found.pred_score.cpu())
        if maps:
            one = found.anomaly_map.cpu() if draw == 0 else one
            total = total + found.anomaly_map.cpu() / draws
    result = {"scores": torch.stack(columns, dim=1)}
    if maps:
        result |= {"maps": total} | ({"maps of one draw": one} if draws > 1 else {})
    return result


@dataclass(frozen=True)
class Truth:
    """What is true of a test set, and what an attacker knows besides the detector.

    Args:
        labels: (N,) true = anomalous.
        masks: (N, 1, H, W) bool; None where localisation is not attacked.
        threshold, scale: of the anomaly map, see ``MapVictim``.
        source: another detector, for transferred attacks.
    """

    labels: NDArray[np.bool_]
    masks: Tensor | None = None
    threshold: float = 0.0
    scale: float = 1.0
    source: Detector | None = None

    def victim(self, detector: Detector, suite: Suite, start: int, count: int) -> Victim:
        """Return the images ``start`` to ``start + count`` as the suite's victim.

        Raises:
            ValueError: an attack of the map without masks.
        """
        part = slice(start, start + count)
        labels = torch.from_numpy(self.labels[part]).to(detector.device)
        if suite.target == "image":
            known = detector.calibration.threshold if detector.calibration else None
            return ScoreVictim(detector, labels, known, self.source)
        if self.masks is None:
            raise ValueError(
                f"suite={suite.name!r} attacks the map and needs a mask of every anomalous image"
            )
        masks = self.masks[part].to(detector.device)
        return MapVictim(detector, masks, self.threshold, self.scale, self.source)


def attack_set(
    detector: Detector,
    images: Tensor,
    truth: Truth,
    suite: Suite | None,
    *,
    fresh_draws: int = 10,
    seed: int = 0,
    batch_size: int = 8,
    keep: frozenset[int] = frozenset(),
    folder: Path | None = None,
    deadline: float = float("inf"),
    progress: Progress = quiet,
) -> Attacked:
    """Attack (or, without a suite, only score) every image.

    Args:
        detector: on the device to use, in eval mode.
        images: (N, 3, H, W) uint8 or float in [0, 1].
        truth: about these images.
        suite: the attacks; None scores the clean images.
        fresh_draws: draws scored afterwards, none of which the attack saw.
        seed: of all randomness.
        batch_size: images attacked at a time.
        keep: indices whose attacked image is returned.
        folder: where finished batches are kept, so that a killed run goes on where it was; a
            folder of another suite, detector or data set must not be given.
        deadline: ``time.monotonic()`` after which no further batch starts.
        progress: told after every batch.
    """
    name = suite.name if suite else "clean"

    def one(start: int) -> Tensors:
        x = detector.prepare(images[start : start + batch_size])
        noise = Noise(seed, detector.device)
        return _attack_and_score(detector, suite, x, truth, noise, start, fresh_draws, keep)

    parts: list[Tensors] = []
    work = ((f"{i:06d}", partial(one, i)) for i in range(0, len(images), batch_size))
    for done in pieces(work, folder, deadline):
        parts.append(done)
        progress(name, min(len(parts) * batch_size, len(images)), len(images), "images")

    def joined(key: str) -> NDArray[np.float64] | None:
        return torch.cat([p[key] for p in parts]).double().numpy() if key in parts[0] else None

    if not parts:
        return Attacked(np.empty((0, fresh_draws)), None, None, None, {}, 0.0, 0, complete=False)
    scores = joined("scores")
    assert scores is not None
    return Attacked(
        scores=scores,
        fixed=joined("fixed"),
        maps=joined("maps"),
        maps_of_one=joined("maps of one draw"),
        images={int(i): v for p in parts for i, v in zip(p["indices"], p["images"], strict=True)},
        seconds_per_image=sum(float(p["seconds"]) for p in parts) / len(scores),
        passes=int(parts[0]["passes"]),
        complete=len(scores) == len(images),
    )


def _attack_and_score(
    detector: Detector,
    suite: Suite | None,
    x: Tensor,
    truth: Truth,
    noise: Noise,
    start: int,
    fresh_draws: int,
    keep: frozenset[int],
) -> Tensors:
    begun = time.perf_counter()
    modules = [detector, *([truth.source] if truth.source else [])]
    with frozen(*modules):
        attacked, passes = x, 0
        if suite:
            generator = noise.generator(f"attack/{suite.ball}", start)
            victim = truth.victim(detector, suite, start, len(x))
            attacked = suite(victim, x, generator).images
            passes = suite.passes(detector.draws)
        seconds = time.perf_counter() - begun
        generator = noise.generator("fresh", start)  # every attack is scored on the same draws
        result = fresh(detector, attacked, fresh_draws, generator, bool(suite and suite.on_map))
        if not suite:  # what one score takes
            seconds = (time.perf_counter() - begun) / result["scores"].shape[1]
        if suite and suite.fixed:
            generator = noise.generator(f"fixed/{suite.ball}", start)
            known = detector.sample_noise(x, generator)
            if known is not None:
                first = suite.attempts[0]
                objective = victim.objective(first.objective, x, noise=known)
                worst = first.optimiser(objective, x, generator).images
                with torch.no_grad():
                    result["fixed"] = detector.score_only(worst, known).pred_score.cpu()
    cost = {"seconds": torch.tensor(seconds), "passes": torch.tensor(passes)}
    return result | cost | shown(attacked, start, keep)


def run_key(suite: Suite | None, *facts: object) -> str:
    """Return a name for a resumable folder; whatever changes the numbers changes the name."""
    what = [suite.name, suite.attempts, suite.fixed] if suite else []
    text = json.dumps([*map(str, what), *map(str, facts)])
    return f"{suite.name if suite else 'clean'}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
