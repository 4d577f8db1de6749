"""Attack a labelled set, resumably, and classify what comes out on noise the attack never saw."""

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardsight.attacks import Attempt, Suite, frozen, is_random
from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.core.noise import Noise
from hardsight.core.types import Progress, quiet
from hardsight.data import LabelledImages
from hardsight.evaluation.accuracy.suites import LabelledVictim
from hardsight.evaluation.batches import Tensors, pieces, shown


@dataclass(frozen=True)
class AttackedClasses:
    """What one suite did to every image of a labelled set."""

    predicted: NDArray[np.int64]
    """(N, D) classes on fresh draws; D = 1 where there is no noise."""
    together: NDArray[np.int64]
    """(N,) classes by the logits averaged over the draws."""
    fixed: NDArray[np.int64] | None
    """(N,) classes under fixed noise that the attacker knew, of images attacked for it."""
    images: dict[int, Tensor]
    """Index -> attacked image (C, H, W), for those asked to be kept."""
    seconds_per_image: float
    passes: int
    """Network evaluations the attack of an image took at most, counted in single draws."""
    complete: bool = True


@dataclass(frozen=True)
class Terms:
    """How a labelled set is attacked.

    Args:
        fresh_draws: draws classified afterwards, none of which the attack saw.
        seed: of all randomness.
        batch_size: images attacked at a time.
        keep: indices whose attacked image is returned.
        device: where.
        deadline: ``time.monotonic()`` after which no further batch starts.
        progress: told after every batch.
    """

    fresh_draws: int
    seed: int
    batch_size: int
    keep: frozenset[int]
    device: torch.device
    deadline: float = float("inf")
    progress: Progress = quiet


def attack_classes(
    model: nn.Module,
    data: LabelledImages,
    suite: Suite | None,
    terms: Terms,
    source: nn.Module | None = None,
    folder: Path | None = None,
) -> AttackedClasses:
    """Attack (or, without a suite, only classify) every image.

    Args:
        model: images -> logits, with ``sample_noise`` if it is random; in eval mode.
        data: labelled.
        suite: the attacks; None: classify the clean images.
        terms: how.
        source: another classifier, for transferred and grey-box attacks.
        folder: where finished batches are kept, so that a killed run goes on where it was.
    """
    name = suite.name if suite else "clean"
    size = terms.batch_size

    def one(start: int) -> Tensors:
        batch = data.take(range(start, min(start + size, len(data))))
        return _one_batch(model, batch, suite, terms, start, source)

    parts: list[Tensors] = []
    work = ((f"{i:06d}", partial(one, i)) for i in range(0, len(data), size))
    for done in pieces(work, folder, terms.deadline):
        parts.append(done)
        terms.progress(name, min(len(parts) * size, len(data)), len(data), "images")
    if not parts:
        none = np.empty((0, 1), np.int64)
        return AttackedClasses(none, none[:, 0], None, {}, 0.0, 0, complete=False)

    def joined(key: str) -> NDArray[np.int64]:
        return np.asarray(torch.cat([p[key] for p in parts]).numpy(), np.int64)

    predicted = joined("predicted")
    return AttackedClasses(
        predicted=predicted,
        together=joined("together"),
        fixed=joined("fixed") if "fixed" in parts[0] else None,
        images={int(i): v for p in parts for i, v in zip(p["indices"], p["images"], strict=True)},
        seconds_per_image=sum(float(p["seconds"]) for p in parts) / len(predicted),
        passes=int(parts[0]["passes"]),
        complete=len(predicted) == len(data),
    )


def _one_batch(
    model: nn.Module,
    batch: LabelledImages,
    suite: Suite | None,
    terms: Terms,
    start: int,
    source: nn.Module | None,
) -> Tensors:
    noise = Noise(terms.seed, terms.device)
    x = batch.images.to(terms.device).float() / 255
    labels = batch.labels.to(terms.device)
    begun = time.perf_counter()
    modules = [m for m in (model, source) if isinstance(m, nn.Module)]
    own = int(getattr(model, "draws", 1))
    with frozen(*modules):
        worst, passes = x, 0
        victim = LabelledVictim(model, labels, source, classes=len(batch.classes))
        if suite:
            generator = noise.generator(f"attack/{suite.ball}", start)
            worst = _attack(suite, victim, x, generator)
            passes = suite.passes(own)
        seconds = time.perf_counter() - begun
        draws = terms.fresh_draws if is_random(model, x) else 1
        result = classified(model, worst, draws, noise.generator("fresh", start))
        if not suite:  # what one answer takes
            seconds = (time.perf_counter() - begun) / draws
        if suite and suite.fixed and is_random(model, x):
            generator = noise.generator(f"fixed/{suite.ball}", start)
            known = model.sample_noise(x, generator)  # type: ignore[operator]
            first = suite.attempts[0]
            objective = victim.objective(first.objective, x, 1, known)
            aimed = first.optimiser(objective, x, generator).images
            with torch.no_grad():
                result["fixed"] = model(aimed, known).argmax(1).cpu()
    cost = {"seconds": torch.tensor(seconds), "passes": torch.tensor(passes)}
    return result | cost | shown(worst, start, terms.keep)


def _attack(suite: Suite, victim: LabelledVictim, x: Tensor, generator: torch.Generator) -> Tensor:
    """Return the worst images; what a deterministic classifier gets wrong is attacked no more."""
    if is_random(victim.model, x):
        return suite(victim, x, generator).images
    worst = x.clone()
    with torch.no_grad():
        standing = victim.judge(1)(x, generator) <= 0
    for attempt in suite.attempts:
        if not bool(standing.any()):
            break
        part = replace(victim, labels=victim.labels[standing])
        result = _alone(suite, attempt)(part, x[standing], generator)
        worst[standing] = result.images
        standing[standing.clone()] = result.objective <= 0
    return worst


def _alone(suite: Suite, attempt: Attempt) -> Suite:
    return replace(suite, build=lambda ball: (attempt,))


@torch.no_grad()
def classified(model: nn.Module, images: Tensor, draws: int, generator: torch.Generator) -> Tensors:
    """Classify images on independent noise, one draw of the batch at a time.

    Returns:
        "predicted" (B, draws) and "together" (B,), by the mean of the logits; on the CPU.

    Raises:
        ValueError: logits that are not finite.
    """
    columns, total = [], torch.zeros(())
    for _ in range(draws):
        logits: Tensor = evaluate_draws(model, images, 1, generator).cpu()
        columns.append(logits.argmax(1))
        total = total + logits / draws
    if not bool(total.isfinite().all()):
        raise ValueError("the classifier returned logits that are not finite")
    return {"predicted": torch.stack(columns, 1), "together": total.argmax(1)}
