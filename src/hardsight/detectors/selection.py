"""Choose what AdvRAD leaves open, on validation normals with and without synthetic defects."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import Tensor

from hardsight.attacks import PGD, Linf, ScoreObjective, frozen
from hardsight.batches import at_once
from hardsight.data import PseudoAnomalies
from hardsight.detectors.candidates import Candidate, Report, scorings
from hardsight.detectors.evidence import Evidence
from hardsight.detectors.scoring import Average, Reference
from hardsight.metrics import auroc
from hardsight.types import Progress, quiet

if TYPE_CHECKING:
    from hardsight.detectors.advrad import AdvRAD


class Selection(Evidence):
    """What to choose among, and on what evidence."""

    ks: tuple[int, ...] = (50, 100, 200)
    """Diffusion steps to try."""
    averages: tuple[Average, ...] = ("error", "reconstruction")
    filter_sizes: tuple[int, ...] = (1, 3, 9, 21)
    references: tuple[Reference, ...] = ("error", "deviation", "standardised")
    aggregations: tuple[str, ...] = ("max", "top:0.0015", "top:0.015", "top:0.05", "mean")
    patches: tuple[int, ...] = ()
    """Patch sizes of the fast denoiser to try in short trainings; empty keeps the detector's."""
    pilot_steps: int = Field(300, ge=1)
    """Steps of such a training at the largest patch; smaller ones get fewer, for the same time."""
    eps: float = Field(2 / 255, ge=0, le=1)
    """L-inf radius of the attack, in [0, 1] pixel units."""
    copies: int = Field(4, ge=1)
    """Defective copies of each; the attack is tried on the first of them."""
    draws: int = Field(2, ge=1)
    """Noise draws a gradient averages."""
    reference_images: int = Field(48, ge=2)
    """Training normals the candidates' mean and spread are estimated from."""
    shortlist: int = Field(6, ge=1)
    """Candidates that are attacked themselves, after the transferred attack ranked all; the best
    of each k and filter size."""


def select(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies,
    settings: Selection,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """Choose and set k, averaging, filter, reference and aggregation; no test image is seen.

    For each k the clean maps of all candidates come from one pass, and one EOT-PGD attack on a
    middling candidate ranks them all by transfer. The best few are then attacked themselves, and
    the best of those is configured into ``detector`` (whose reference must be fitted afresh).

    Args:
        detector: with a trained denoiser.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``settings.evidence``.
        settings: candidates and budget.
        seed: of noise and attack.
        progress: told after each k and each candidate attacked.
    """
    train, noise = _reference(detector, train, settings, seed)
    total = len(settings.ks) + settings.shortlist

    def ranked(k: int) -> None:
        progress("select", settings.ks.index(k) + 1, total, "scorings")

    found = rank(detector, train, evidence, settings, seed, ranked)
    finalists = _unlike(found, settings.shortlist)
    rest = [c for c in found if c not in finalists]
    for i, candidate in enumerate(finalists):
        detector.configure(**candidate.settings)
        detector.fit_reference(detector.error_maps(train, noise))
        finalists[i] = replace(
            candidate, robust=_attacked_auroc(detector, evidence, settings, noise)
        )
        progress("select", len(settings.ks) + i + 1, total, "scorings")
    finalists.sort(key=lambda c: -c.merit(settings.robust_weight))
    detector.configure(**finalists[0].settings)
    return Report((*finalists, *rest), settings, settings.robust_weight)


def _unlike(ranked: list[Candidate], count: int) -> list[Candidate]:
    """The best of each k and filter size, best first: siblings would fall to the same attack."""
    best: dict[tuple[int, int], Candidate] = {}
    for candidate in ranked:
        best.setdefault((candidate.k, candidate.filter_size), candidate)
    return list(best.values())[:count]


def rank(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies,
    settings: Selection,
    seed: int = 0,
    done: Callable[[int], None] = lambda k: None,
) -> list[Candidate]:
    """Return every candidate, best first by its clean and transferred AUROC; see ``select``."""
    train, noise = _reference(detector, train, settings, seed)
    found: list[Candidate] = []
    for k in settings.ks:
        found += _rank(detector, train, evidence, k, settings, noise)
        done(k)
    return sorted(found, key=lambda c: -c.merit(settings.robust_weight))


def _reference(
    detector: "AdvRAD", train: Tensor, settings: Selection, seed: int
) -> tuple[Tensor, torch.Generator]:
    """The training normals that errors are compared with, and a generator of noise."""
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    chosen = train[order[: settings.reference_images]]
    return chosen, torch.Generator(detector.device).manual_seed(seed)


def _rank(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies,
    k: int,
    settings: Selection,
    noise: torch.Generator,
) -> Iterator[Candidate]:
    """Every candidate of one k: clean, and under one attack on its middling scoring."""
    middling = {"filter_size": settings.filter_sizes[-1], "aggregation": "top:0.05"}
    reference: Reference = "error" if settings.references == ("error",) else "standardised"
    detector.configure(k=k, average="error", reference=reference, **middling)  # type: ignore[arg-type]
    normal = _maps(detector, train, settings, noise)
    detector.fit_reference(normal["error"] if "error" in normal else next(iter(normal.values())))
    few = evidence.first(1)
    attacked = _attack(detector, few, settings, noise)
    clean, hurt = (_maps(detector, x, settings, noise) for x in (evidence.images, attacked))
    labels, few_labels = evidence.labels.numpy(), few.labels.numpy()
    n = len(labels)
    choices = (settings.filter_sizes, settings.references, settings.aggregations)
    for average in settings.averages:
        both = torch.cat([clean[average], hurt[average]])
        for chosen, scores in scorings(normal[average], both, *choices):
            yield Candidate(
                k,
                average,
                **chosen,
                clean=auroc(scores[:n], labels),
                transferred=auroc(scores[n:], few_labels),
            )


@torch.no_grad()
def _maps(
    detector: "AdvRAD", images: Tensor, settings: Selection, noise: torch.Generator
) -> dict[str, Tensor]:
    """Averaging -> (N, 1, H, W) unfiltered error maps, all from the same reconstructions."""
    parts: dict[str, list[Tensor]] = {a: [] for a in settings.averages}
    for batch in torch.split(images, at_once(images.shape, 8)):
        x = detector.prepare(batch)
        r = detector.reconstruct(x, detector.sample_noise(x, noise))
        for average in settings.averages:
            parts[average].append(detector.compare(x, r, average).cpu())
    return {a: torch.cat(p) for a, p in parts.items()}


def _attack(
    detector: "AdvRAD", evidence: PseudoAnomalies, settings: Selection, noise: torch.Generator
) -> Tensor:
    attack = PGD(Linf(settings.eps), steps=settings.steps)
    parts = []
    with frozen(detector):
        rows = at_once(evidence.images.shape, 8)
        batches = (torch.split(t, rows) for t in (evidence.images, evidence.labels))
        for images, labels in zip(*batches, strict=True):
            x = detector.prepare(images)
            objective = ScoreObjective(detector, labels.to(x.device), settings.draws)
            parts.append(attack(objective, x, noise).images)
    return torch.cat(parts)


def _attacked_auroc(
    detector: "AdvRAD", evidence: PseudoAnomalies, settings: Selection, noise: torch.Generator
) -> float:
    few = evidence.first(1)
    attacked = _attack(detector, few, settings, noise)
    scores = [detector.predict(attacked, noise).pred_score for _ in range(2)]
    return auroc(torch.stack(scores).mean(0).double().numpy(), few.labels.numpy())
