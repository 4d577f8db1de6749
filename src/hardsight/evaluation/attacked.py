"""Attack a whole test set, resumably, and score what comes out on noise the attack never saw."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from hardsight.attacks import ScoreObjective, frozen
from hardsight.detectors import Detector
from hardsight.evaluation.plans import AttackPlan
from hardsight.types import Progress, quiet


@dataclass(frozen=True)
class Attacked:
    """What one plan did to every image of a test set."""

    scores: NDArray[np.float64]
    """(N, D) scores of the attacked images on fresh draws."""
    fixed: NDArray[np.float64] | None
    """(N,) scores under fixed noise that the attacker knew, of images attacked for it."""
    images: dict[int, Tensor]
    """Index -> attacked image (C, H, W), for those asked to be kept."""
    seconds_per_image: float
    complete: bool = True


@dataclass(frozen=True)
class Noise:
    """Seeds of every generator of an evaluation, by purpose and batch: order changes nothing."""

    seed: int
    device: torch.device

    def generator(self, purpose: str, start: int) -> torch.Generator:
        """Return the generator of a batch that starts at image ``start``."""
        digest = hashlib.sha256(f"{self.seed}/{purpose}/{start}".encode()).digest()
        return torch.Generator(self.device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.no_grad()
def fresh_scores(detector: Detector, x: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """(B, C, H, W) -> (B, draws) scores on independent noise, one draw of the batch at a time."""
    columns = [detector(x, detector.sample_noise(x, generator)).pred_score for _ in range(draws)]
    return torch.stack(columns, dim=1)


def attack_batch(
    detector: Detector, plan: AttackPlan, x: Tensor, labels: Tensor, generator: torch.Generator
) -> Tensor:
    """Return the worst image per input over the plan's surrogates.

    The choice is made by the true score on fresh draws, which nobody scores again.
    """
    worst, harm = x, torch.full((len(x),), -torch.inf, device=x.device)
    judge = ScoreObjective(detector, labels, draws=max(4, plan.draws))
    for surrogate in plan.surrogates:
        objective = ScoreObjective(detector, labels, plan.draws, surrogate)
        found = plan.optimiser(objective, x, generator).images
        if len(plan.surrogates) == 1:
            return found
        with torch.no_grad():
            value = judge(found, generator)
        better = value > harm
        worst = torch.where(better.view(-1, 1, 1, 1), found, worst)
        harm = torch.where(better, value, harm)
    return worst


def attack_set(
    detector: Detector,
    images: Tensor,
    labels: NDArray[np.bool_],
    plan: AttackPlan | None,
    *,
    fresh_draws: int = 10,
    seed: int = 0,
    batch_size: int = 8,
    keep: frozenset[int] = frozenset(),
    folder: Path | None = None,
    deadline: float = float("inf"),
    progress: Progress = quiet,
) -> Attacked:
    """Attack (or, without a plan, only score) every image.

    Args:
        detector: on the device to use, in eval mode.
        images: (N, 3, H, W) uint8 or float in [0, 1].
        labels: (N,) true = anomalous.
        plan: the attack; None scores the clean images.
        fresh_draws: draws scored afterwards, none of which the attack saw.
        seed: of all randomness.
        batch_size: images attacked at a time.
        keep: indices whose attacked image is returned.
        folder: where finished batches are kept, so that a killed run goes on where it was; a
            folder of another plan, detector or data set must not be given.
        deadline: ``time.monotonic()`` after which no further batch starts.
        progress: told after every batch.
    """
    device = detector.device
    noise = Noise(seed, device)
    name = plan.name if plan else "clean"
    scores: list[Tensor] = []
    fixed: list[Tensor] = []
    kept: dict[int, Tensor] = {}
    seconds = 0.0
    for start, batch in _batches(images, batch_size):
        store = folder / f"{start:06d}.safetensors" if folder else None
        found = load_file(store) if store and store.exists() else None
        if found is None:
            if time.monotonic() > deadline:
                break
            x = detector.prepare(batch)
            y = torch.from_numpy(labels[start : start + len(x)]).to(device)
            found = _attack_and_score(detector, plan, x, y, noise, start, fresh_draws, keep)
            if store:
                _write(store, found)
        scores.append(found["scores"])
        seconds += float(found["seconds"])
        if "fixed" in found:
            fixed.append(found["fixed"])
        kept |= {int(i): v for i, v in zip(found["indices"], found["images"], strict=True)}
        progress(name, min(start + batch_size, len(images)), len(images), "images")
    done = sum(map(len, scores))
    return Attacked(
        scores=torch.cat(scores).double().numpy() if scores else np.empty((0, fresh_draws)),
        fixed=torch.cat(fixed).double().numpy() if fixed else None,
        images=kept,
        seconds_per_image=seconds / max(done, 1),
        complete=done == len(images),
    )


def _batches(images: Tensor, size: int) -> Iterator[tuple[int, Tensor]]:
    yield from ((i, images[i : i + size]) for i in range(0, len(images), size))


def _attack_and_score(
    detector: Detector,
    plan: AttackPlan | None,
    x: Tensor,
    y: Tensor,
    noise: Noise,
    start: int,
    fresh_draws: int,
    keep: frozenset[int],
) -> dict[str, Tensor]:
    begun = time.perf_counter()
    name = plan.name if plan else "clean"
    with frozen(detector):
        attacked = x
        if plan:
            generator = noise.generator(f"{name}/{plan.ball}", start)
            attacked = attack_batch(detector, plan, x, y, generator)
        seconds = time.perf_counter() - begun
        generator = noise.generator(f"fresh/{name}", start)
        scores = fresh_scores(detector, attacked, fresh_draws, generator).cpu()
        if not plan:  # what one score takes
            seconds = (time.perf_counter() - begun) / fresh_draws
        result = {"scores": scores, "seconds": torch.tensor(seconds)}
        if plan and plan.fixed:
            generator = noise.generator(f"fixed/{plan.ball}", start)
            known = detector.sample_noise(x, generator)
            if known is not None:
                objective = ScoreObjective(detector, y, noise=known)
                worst = plan.optimiser(objective, x, generator).images
                with torch.no_grad():
                    result["fixed"] = detector(worst, known).pred_score.cpu()
    indices = [i for i in range(start, start + len(x)) if i in keep]
    result["indices"] = torch.tensor(indices, dtype=torch.long)
    result["images"] = (
        torch.stack([attacked[i - start] for i in indices]).cpu() if indices else x[:0].cpu()
    )
    return {k: v.contiguous() for k, v in result.items()}


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(tensors, part)
    part.replace(path)


def run_key(plan: AttackPlan | None, *facts: object) -> str:
    """Return a name for a resumable folder; whatever changes the numbers changes the name."""
    text = json.dumps([asdict(plan) if plan else None, str(plan and plan.ball), *map(str, facts)])
    return f"{plan.name if plan else 'clean'}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
