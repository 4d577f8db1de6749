"""Choose what AdvRAD leaves open, on validation normals with and without synthetic defects."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from hardsight.attacks import PGD, Linf, ScoreObjective, frozen
from hardsight.data import add_defect
from hardsight.detectors.scoring import mean_filter, relate, top_count
from hardsight.files import write_atomically
from hardsight.metrics import auroc
from hardsight.types import Progress, quiet

if TYPE_CHECKING:
    from hardsight.detectors.advrad import AdvRAD


class Selection(BaseModel):
    """What to choose among, and on what evidence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ks: tuple[int, ...] = (50, 100, 200)
    """Diffusion steps to try."""
    averages: tuple[str, ...] = ("error", "reconstruction")
    filter_sizes: tuple[int, ...] = (1, 3, 9, 21)
    references: tuple[str, ...] = ("error", "deviation", "standardised")
    aggregations: tuple[str, ...] = ("max", "top:0.0015", "top:0.015", "top:0.05", "mean")
    robust_weight: float = Field(0.5, ge=0, le=1)
    """Weight of the AUROC under attack beside the clean one."""
    eps: float = Field(2 / 255, ge=0, le=1)
    """L-inf radius of the attack, in [0, 1] pixel units."""
    steps: int = Field(5, ge=1)
    """PGD steps of the attack."""
    draws: int = Field(2, ge=1)
    """Noise draws a gradient averages."""
    images: int = Field(16, ge=2)
    """Validation normals used at most; each also gets a synthetic defect."""
    reference_images: int = Field(48, ge=2)
    """Training normals the candidates' mean and spread are estimated from."""
    shortlist: int = Field(4, ge=1)
    """Candidates that are attacked themselves, after the transferred attack ranked all."""
    severities: tuple[float, float] = (0.5, 1.0)
    """Range of the synthetic defects' severity."""


@dataclass(frozen=True)
class Candidate:
    """One way to score, and how it did on validation data."""

    k: int
    average: str
    filter_size: int
    reference: str
    aggregation: str
    clean: float
    """AUROC of the validation normals against their defective copies."""
    transferred: float
    """The same under an attack crafted on another scoring of the same k."""
    robust: float | None = None
    """The same under an attack on this very scoring; None where it was not short-listed."""

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of ``AdvRAD.configure``."""
        names = ("k", "average", "filter_size", "reference", "aggregation")
        return {n: getattr(self, n) for n in names}

    def merit(self, weight: float) -> float:
        """Weighted mean of clean and robust (transferred, until attacked itself) AUROC."""
        robust = self.transferred if self.robust is None else self.robust
        return (1 - weight) * self.clean + weight * robust


@dataclass(frozen=True)
class Report:
    """Every candidate, best first, and what it was judged on."""

    candidates: tuple[Candidate, ...]
    settings: Selection

    @property
    def best(self) -> Candidate:
        """The chosen one."""
        return self.candidates[0]

    def write(self, path: Path) -> None:
        """Write the report as JSON, best candidate first."""
        weight = self.settings.robust_weight
        rows = [vars(c) | {"merit": c.merit(weight)} for c in self.candidates]
        text = {"settings": self.settings.model_dump(), "candidates": rows}
        write_atomically(path, json.dumps(text, indent=1) + "\n")


def select(
    detector: "AdvRAD",
    train: Tensor,
    validation: Tensor,
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
        validation: (M, 3, H, W) uint8 normals held out of training, M >= 2; their first
            ``settings.images`` are used.
        settings: candidates and budget.
        seed: of defects, noise and attack.
        progress: told after each k and each candidate attacked.
    """
    if len(validation) < 2:
        raise ValueError(
            f"selection needs at least 2 validation normals, got {len(validation)}; "
            "raise the validation fraction or fit without selection"
        )
    generator = torch.Generator().manual_seed(seed)
    train = train[torch.randperm(len(train), generator=generator)[: settings.reference_images]]
    images, labels = _pairs(validation[: settings.images], settings, generator)
    device = detector.device
    images, truth = images.to(device), torch.from_numpy(labels).to(device)
    noise = torch.Generator(device).manual_seed(seed)
    ks = [k for k in settings.ks if k <= detector.denoiser.schedule.T]
    total = len(ks) + settings.shortlist
    found: list[Candidate] = []
    for done, k in enumerate(ks):
        found += _rank(detector, train, images, labels, truth, k, settings, noise)
        progress("select", done + 1, total, "scorings")
    found.sort(key=lambda c: -c.merit(settings.robust_weight))
    finalists, rest = found[: settings.shortlist], found[settings.shortlist :]
    for i, candidate in enumerate(finalists):
        detector.configure(**candidate.settings)
        detector.fit_reference(detector.error_maps(train, noise))
        robust = _attacked_auroc(detector, images, labels, truth, settings, noise)
        finalists[i] = Candidate(**{**vars(candidate), "robust": robust})
        progress("select", len(ks) + i + 1, total, "scorings")
    finalists.sort(key=lambda c: -c.merit(settings.robust_weight))
    detector.configure(**finalists[0].settings)
    return Report((*finalists, *rest), settings)


def _pairs(
    normals: Tensor, settings: Selection, generator: torch.Generator
) -> tuple[Tensor, NDArray[np.bool_]]:
    """The normals and a defective copy of each, (2n, 3, H, W) float, with their labels."""
    x = normals.float() / 255
    low, high = settings.severities
    defective = []
    for image in x:
        severity = low + (high - low) * float(torch.rand((), generator=generator))
        defective.append(add_defect(image, generator, severity=severity)[0])
    labels = np.repeat([False, True], len(x))
    return torch.cat([x, torch.stack(defective)]), labels


def _rank(
    detector: "AdvRAD",
    train: Tensor,
    images: Tensor,
    labels: NDArray[np.bool_],
    truth: Tensor,
    k: int,
    settings: Selection,
    noise: torch.Generator,
) -> Iterator[Candidate]:
    """Every candidate of one k: clean, and under one attack on its middling scoring."""
    errors: dict[str, tuple[Tensor, Tensor]] = {}
    for average in settings.averages:
        detector.configure(
            k=k,
            average=average,  # type: ignore[arg-type]
            filter_size=settings.filter_sizes[-1],
            reference="standardised",
            aggregation="top:0.05",
        )
        normal = detector.error_maps(train, noise)
        if not errors:
            detector.fit_reference(normal)
            attacked = _attack(detector, images, truth, settings, noise)
        both = [detector.error_maps(x, noise) for x in (images, attacked)]
        errors[average] = (normal, torch.cat(both))
    count = len(images)
    for average, size in itertools.product(settings.averages, settings.filter_sizes):
        normal, maps = (mean_filter(m, size) for m in errors[average])
        mean, spread = normal.mean(0, keepdim=True), normal.std(0, keepdim=True)
        for reference in settings.references:
            related = relate(maps, mean, spread, reference)  # type: ignore[arg-type]
            flat = related.flatten(1)
            tops = {a: top_count(a, flat.shape[1]) for a in settings.aggregations}
            partial = [n for n in tops.values() if n < flat.shape[1]]
            sums = flat.topk(max(partial, default=1), dim=1).values.double().cumsum(1)
            for aggregation, top in tops.items():
                whole = top == flat.shape[1]
                scores = (flat.double().mean(1) if whole else sums[:, top - 1] / top).numpy()
                yield Candidate(
                    k,
                    average,
                    size,
                    reference,
                    aggregation,
                    clean=auroc(scores[:count], labels),
                    transferred=auroc(scores[count:], labels),
                )


def _attack(
    detector: "AdvRAD", images: Tensor, truth: Tensor, settings: Selection, noise: torch.Generator
) -> Tensor:
    attack = PGD(Linf(settings.eps), steps=settings.steps)
    parts = []
    with frozen(detector):
        for x, y in zip(torch.split(images, 8), torch.split(truth, 8), strict=True):
            objective = ScoreObjective(detector, y, settings.draws)
            parts.append(attack(objective, x, noise).images)
    return torch.cat(parts)


def _attacked_auroc(
    detector: "AdvRAD",
    images: Tensor,
    labels: NDArray[np.bool_],
    truth: Tensor,
    settings: Selection,
    noise: torch.Generator,
) -> float:
    attacked = _attack(detector, images, truth, settings, noise)
    scores = [detector.predict(attacked, noise).pred_score for _ in range(2)]
    return auroc(torch.stack(scores).mean(0).double().numpy(), labels)
