"""Attack all images of a subject, resumably, and look at what comes out on fresh noise."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import Attempt, Suite
from hardsight.attacks.threats import is_shared
from hardsight.core.noise import Noise
from hardsight.core.progress import quiet
from hardsight.evaluation.batches import Resumable, Tensors, kept_images
from hardsight.evaluation.costs import Told, attack_cost, attempt_cost
from hardsight.evaluation.plan import Protocol
from hardsight.evaluation.shared import applied, shared_parameters
from hardsight.evaluation.subjects import Subject
from hardsight.evaluation.subjects.repeated import demand_known, known_by

FORGETFUL = Resumable()
_FORM = 2
"""Form of what is kept of a batch; another one is not read."""


@dataclass(frozen=True)
class Attacked:
    """What one suite did to the images of a subject."""

    outputs: NDArray[Any]
    """(n, D) outputs for the attacked images on fresh draws; n < N where time ran out. Of several
    submissions, one each."""
    mean: NDArray[Any]
    """(n,) the output of all draws together; the worst of several submissions."""
    fixed: NDArray[Any] | None
    """(n,) outputs under fixed noise that the attacker knew, of images attacked for it."""
    decided: NDArray[np.float64] | None
    """(n,) scores on the known noise that decisions are made on, of a detector with a threshold;
    of several submissions the worst."""
    maps: NDArray[np.float64] | None
    """(n, 1, H, W) maps averaged over the fresh draws: of attacks of the map, and if asked for."""
    maps_of_one: NDArray[np.float64] | None
    """(n, 1, H, W) those of a single fresh draw, where there were several."""
    images: dict[int, Tensor]
    """Index -> attacked image (C, H, W), for those asked to be kept."""
    seconds_per_image: float
    passes: int
    """Network evaluations the attack of an image took at most, counted in single draws."""
    nonfinite: NDArray[np.bool_]
    """(n,) images at which a gradient was NaN or infinite, so that the attack went on by random
    search."""

    def __len__(self) -> int:
        return len(self.outputs)


def attack_set(
    subject: Subject,
    suite: Suite | None,
    protocol: Protocol,
    *,
    keep: frozenset[int] = frozenset(),
    maps: bool = False,
    batches: Resumable = FORGETFUL,
    told: Told = quiet,
) -> Attacked | None:
    """Attack every image of a subject at rest, or without a suite look at the clean ones.

    Args:
        subject: see ``Subject.at_rest``.
        suite: the attacks.
        protocol: fresh draws, seed and batch size.
        keep: indices whose attacked image is returned.
        maps: keep maps of clean images, too.
        batches: how they are made and kept; a folder of another suite or subject must not be
            given, see ``run_key``.
        told: see ``Told``.

    Returns:
        None where time ran out before the first batch was finished.

    Raises:
        ValueError: see ``demand_repeatable``, and of kept batches ``demand_known``.
    """
    size = protocol.batch_size
    starts = range(0, len(subject), size)
    one: Tensors | None = {}
    if suite is not None and is_shared(suite.ball):
        craft = partial(shared_parameters, subject, suite)
        one = next(batches.each(craft, [("shared", protocol)]), None)
    if one is None:
        return None
    batch = partial(_known_batch, subject, suite, protocol, keep=keep, maps=maps, shared=one)
    named = [(f"{i:06d}", i) for i in starts]
    kept, shares = [batches.keeps(name) for name, _ in named], dict.fromkeys(starts, 0.0)
    parts: list[Tensors] = []

    def heard(start: int, share: float) -> None:
        """Tell of a part of a batch, once."""
        more = share - shares[start]
        if more > 0:
            shares[start] = share
            count = min(size, len(subject) - start)
            told(more * count, min(len(parts) * size, len(subject)), False)

    for (_, start), before, done in zip(
        named, kept, batches.each(batch, named, heard), strict=False
    ):
        if before and batches.folder:
            demand_known(subject, done, batches.folder)
        parts.append(done)
        left = (1 - shares[start]) * len(done["outputs"])
        told(left, min(len(parts) * size, len(subject)), before)
    if not parts:
        return None
    found = _joined(parts)
    if suite is None or suite.submissions == 1:
        return found
    return replace(found, mean=subject.worst_outputs(found.outputs))


def _joined(parts: list[Tensors]) -> Attacked:
    def whole(key: str) -> NDArray[Any] | None:
        if key not in parts[0]:
            return None
        found = torch.cat([p[key] for p in parts])
        return (found.double() if found.is_floating_point() else found).numpy()

    outputs, mean = whole("outputs"), whole("mean")
    assert outputs is not None
    return Attacked(
        outputs=outputs,
        mean=outputs.mean(1) if mean is None else mean,
        fixed=whole("fixed"),
        decided=whole("decided"),
        maps=whole("maps"),
        maps_of_one=whole("maps of one draw"),
        images={int(i): v for p in parts for i, v in zip(p["indices"], p["images"], strict=True)},
        seconds_per_image=sum(float(p["seconds"]) for p in parts) / len(outputs),
        passes=int(parts[0]["passes"]),
        nonfinite=torch.cat([_nonfinite(p) for p in parts]).numpy(),
    )


def _nonfinite(part: Tensors) -> Tensor:
    """Return where a gradient was not finite; of clean images, or kept by a version that stopped
    there, nowhere."""
    return part.get("nonfinite", torch.zeros(len(part["outputs"]), dtype=torch.bool))


def attack_batch(
    subject: Subject,
    suite: Suite | None,
    protocol: Protocol,
    start: int,
    keep: frozenset[int] = frozenset(),
    maps: bool = False,
    shared: Mapping[str, Tensor] = MappingProxyType({}),
    tell: Callable[[int, float], None] = quiet,
) -> Tensors:
    """Attack one batch of a subject at rest, see ``attack_set``.

    Args:
        subject, suite, protocol, keep, maps: see there.
        start: index of its first image; the same batch has the same randomness, alone or not.
        shared: see ``shared_parameters``; empty: every image has its own.
        tell: is told ``start`` and the share of the work that is done, after each attempt.
    """
    noise = Noise(protocol.seed, subject.device)
    x = subject.batch(start, protocol.batch_size)
    begun = time.perf_counter()
    submitted, nonfinite = [x], torch.zeros(len(x), dtype=torch.bool, device=x.device)
    if suite and shared:
        submitted = [applied(suite, x, shared["parameters"])]
        nonfinite |= shared.get("nonfinite", nonfinite).to(nonfinite.device)
    elif suite:
        share = _Share(subject, suite, protocol, partial(tell, start))
        names = [f"attack/{suite.ball}", *map(str, range(1, suite.submissions))]
        found = [subject.attack(suite, x, start, noise.generator(n, start), share) for n in names]
        submitted = [each.images for each in found]
        nonfinite = torch.stack([each.nonfinite for each in found]).any(0)
    passes = suite.passes(subject.own_draws) if suite else 0
    seconds = time.perf_counter() - begun + len(x) * float(shared.get("seconds", 0))
    generator = noise.generator("fresh", start)  # every attack is looked at on the same draws
    on_map = suite.on_map if suite else maps
    if len(submitted) == 1:
        (worst,), begun = submitted, time.perf_counter()
        result = subject.fresh_outputs(worst, protocol.fresh_draws, generator, on_map)
        if suite is None:  # what one output takes
            seconds = (time.perf_counter() - begun) / result["outputs"].shape[1]
        decided = subject.decided(worst)
    else:
        worst, outputs, decided = _worst_of(subject, submitted, start, generator)
        result = {"outputs": outputs}
    if suite is not None:
        if suite.fixed and not on_map and subject.random:
            result["fixed"], at_known = _known(subject, suite, x, start, noise)
            nonfinite |= at_known
        result["nonfinite"] = nonfinite
    if decided is not None:
        result["decided"] = decided
    cost = {"seconds": torch.tensor(seconds), "passes": torch.tensor(passes)}
    return result | cost | kept_images(worst, start, keep)


def _known_batch(
    subject: Subject, suite: Suite | None, protocol: Protocol, start: int, **how: Any
) -> Tensors:
    """Return ``attack_batch`` of a subject that proved repeatable on the first one.

    With that are its scores, and those of a source that is used, by which they are known again.
    """
    found = attack_batch(subject, suite, protocol, start, **how)
    if start:
        return found
    transferred = suite is not None and any(a.via == "source" for a in suite.attempts)
    return found | known_by(subject, transferred)


class _Share:
    """Is told of attempts, and tells which share of a batch's work they are together."""

    def __init__(
        self, subject: Subject, suite: Suite, protocol: Protocol, tell: Callable[[float], None]
    ) -> None:
        self._own = subject.own_draws if subject.random else 1
        self._total = attack_cost(subject, suite, protocol.fresh_draws)
        self._spent, self._tell = 0.0, tell

    def __call__(self, attempt: Attempt) -> None:
        self._spent += attempt_cost(attempt, self._own)
        self._tell(min(1.0, self._spent / self._total))


def _worst_of(
    subject: Subject, submitted: list[Tensor], start: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return of each image the worst submission, the outputs (B, S) of all, and its decided score.

    It is the worst by the scores that decisions are made on or, without a threshold, by outputs.
    """
    each = [subject.fresh_outputs(one, 1, generator)["outputs"] for one in submitted]
    outputs = torch.cat(each, 1)
    scores = [score for one in submitted if (score := subject.decided(one)) is not None]
    judged = torch.stack(scores, 1) if scores else outputs
    worst = torch.from_numpy(subject.worst_draws(judged.double().cpu().numpy(), start))
    rows = torch.arange(len(worst))
    images = torch.stack(submitted)[worst, rows]
    return images, outputs, judged[rows, worst] if scores else None


def _known(
    subject: Subject, suite: Suite, x: Tensor, start: int, noise: Noise
) -> tuple[Tensor, Tensor]:
    """Return outputs (B,) after the worst of a suite's attempts under one noise that it knows.

    Beside them (B,) where a gradient was not finite.
    """
    generator = noise.generator(f"fixed/{suite.ball}", start)
    known = subject.sample_noise(x, generator)
    found = suite.once(subject.victim(start, len(x)), x, generator, known)
    return subject.outputs(found.images, known), found.nonfinite


def run_key(suite: Suite | None, *facts: object) -> str:
    """Return a name for a resumable folder; whatever changes the numbers changes the name."""
    what = [suite.name, suite.attempts, suite.fixed] if suite else []
    if suite and suite.submissions > 1:
        what += [suite.submissions, "decided by the worst"]
    text = json.dumps([*map(str, what), *map(str, facts), _FORM])
    return f"{suite.name if suite else 'clean'}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
