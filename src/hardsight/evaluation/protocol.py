"""The evaluation of a detector on a test set: clean, attacked, drawn and written down."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector
from hardsight.evaluation.attacked import Attacked, attack_set, run_key
from hardsight.evaluation.gallery import choose, pictures
from hardsight.evaluation.plans import AttackPlan, build_plan
from hardsight.evaluation.provenance import describe, fingerprint
from hardsight.evaluation.published import published_auroc
from hardsight.evaluation.results import Budget, Estimate, Evaluation, Row
from hardsight.metrics import (
    aupro,
    auroc,
    auroc_interval_over_draws,
    average_precision,
    bootstrap,
    f1_max,
    pixel_auroc,
)
from hardsight.types import Progress, quiet

CURVE_EPS = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
UNAUDITED = "not audited"


def evaluate(
    detector: Detector,
    data: AnomalyData,
    attacks: Sequence[AttackPlan] | None = None,
    *,
    eps: str | float = "2/255",
    norm: str = "Linf",
    curve: Sequence[float] = CURVE_EPS,
    fresh_draws: int = 10,
    seed: int = 0,
    batch_size: int = 8,
    gallery: int = 8,
    folder: str | Path | None = None,
    max_minutes: float | None = None,
    provenance: dict[str, str] | None = None,
    progress: Progress = quiet,
) -> Evaluation:
    """Measure a detector on the test set, clean and under attack.

    Args:
        detector: fitted.
        data: its ``test`` set is used, and nothing else.
        attacks: plans to run; default ``pgd`` and ``eot-pgd`` in ``norm`` at ``eps``.
        eps, norm: the threat model of the default attacks and of the curve.
        curve: radii of AUROC against eps, attacked by the quick plan ``curve``; empty for none.
        fresh_draws: noise draws scored after each attack, at least 10 for a table.
        seed: of all randomness.
        batch_size: images attacked at a time.
        gallery: images shown in the report, half of them anomalous.
        folder: where finished batches are kept; a killed evaluation goes on from there.
        max_minutes: stop attacking after this long and report what is done, saying so.
        provenance: what else the report shall show of the run.
        progress: told of every finished batch.

    Raises:
        ValueError: a test set without both normal and anomalous images.
    """
    plans = [build_plan(n, norm, eps) for n in ("pgd", "eot-pgd")] if attacks is None else attacks
    detector.eval()
    images, labels = data.test.images(), data.test.labels
    if labels.all() or not labels.any():
        missing = "normal" if labels.all() else "anomalous"
        raise ValueError(
            f"the test set of {data.name} has no {missing} image; AUROC needs both kinds"
        )
    manifest = Manifest.of(data).sha256
    shown = choose(labels, gallery)
    deadline = time.monotonic() + max_minutes * 60 if max_minutes else float("inf")
    state = fingerprint(detector)
    notes = [
        f"{len(data.skipped)} unreadable files were left out; the manifest lists them."
    ] * bool(data.skipped)

    def run(plan: AttackPlan | None, draws: int = fresh_draws) -> Attacked:
        key = run_key(plan, state, manifest, seed, draws, batch_size, sorted(shown))
        return attack_set(
            detector,
            images,
            labels,
            plan,
            fresh_draws=draws,
            seed=seed,
            batch_size=batch_size,
            keep=shown,
            folder=Path(folder) / key if folder else None,
            deadline=deadline if plan else float("inf"),
            progress=progress,
        )

    def usable(done: Attacked, what: str) -> bool:
        """Note what time did not allow; a part is reported as long as it holds both kinds."""
        n = len(done.scores)
        if not done.complete:
            notes.append(f"Time ran out: {what} covers {n} of {len(labels)} images.")
        return bool(labels[:n].any() and not labels[:n].all())

    clean = run(None)
    rows = [
        _row("clean", clean, labels, None, published_auroc(data.name, "clean")),
        *_clean_rows(clean, labels),
        *_pixel_rows(detector, data, images, seed, notes),
    ]
    attacked: dict[str, Attacked] = {}
    for plan in plans:
        done = run(plan)
        if usable(done, plan.name):
            name = plan.name if plan.name not in attacked else f"{plan.name} {plan.ball}"
            attacked[name] = done
            figure = published_auroc(data.name, plan.name, plan.ball)
            rows.append(_row(name, done, labels, plan, figure))
    quick = build_plan("curve", norm, 0.0)
    points = [(0.0, rows[0].mean)] if curve else []
    for radius in sorted(curve):
        done = run(quick.at(radius), draws=4)
        if usable(done, f"the curve at {radius:.4f}"):
            points.append((radius, _over_mean(auroc, done, labels)))
    strongest = min(attacked.values(), key=lambda a: _over_mean(auroc, a, labels)[0], default=None)
    calibration = detector.calibration
    if calibration:
        notes.append(calibration.statement)
    return Evaluation(
        title=f"{type(detector).__name__} on {data.name}",
        provenance=(provenance or {}) | describe(detector, data, manifest, seed),
        labels=labels,
        names=tuple(data.test.names),
        scores={"clean": clean.scores} | {name: a.scores for name, a in attacked.items()},
        rows=tuple(rows),
        curve=tuple(points),
        curve_label=f"PGD on the score, {norm}, {quick.steps} steps x {quick.draws} draws",
        threshold=calibration.threshold if calibration else None,
        false_alarm_level=calibration.level if calibration else None,
        gallery=pictures(detector, data, sorted(shown), clean, strongest, seed),
        notes=tuple(notes),
    )


def _over_mean(
    metric: Callable[[Any, NDArray[np.bool_]], float],
    done: Attacked,
    labels: NDArray[np.bool_],
) -> Estimate:
    """The metric of the scores averaged over their draws, with its bootstrap interval."""
    return Estimate(*bootstrap(metric, done.scores.mean(1), labels[: len(done.scores)]))


def _row(
    name: str,
    done: Attacked,
    labels: NDArray[np.bool_],
    plan: AttackPlan | None,
    published: float | None,
) -> Row:
    """The image AUROC in the four noise columns."""
    part = labels[: len(done.scores)]
    random = done.scores.shape[1] > 1 and bool(np.ptp(done.scores, axis=1).any())
    worst = np.where(part, done.scores.min(1), done.scores.max(1))
    return Row(
        attack=name,
        target="image",
        metric="AUROC",
        mean=_over_mean(auroc, done, labels),
        single=Estimate(*auroc_interval_over_draws(done.scores, part)) if random else None,
        worst=Estimate(*bootstrap(auroc, worst, part)) if random else None,
        fixed=None if done.fixed is None else Estimate(*bootstrap(auroc, done.fixed, part)),
        norm=plan.ball.name if plan else None,
        eps=plan.ball.eps if plan else 0.0,
        fresh_draws=done.scores.shape[1],
        budget=plan.budget if plan else Budget(),
        published=published,
        seconds_per_image=done.seconds_per_image,
        flags=(UNAUDITED,) if plan else (),
    )


def _clean_rows(clean: Attacked, labels: NDArray[np.bool_]) -> list[Row]:
    def best_f1(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
        return f1_max(scores, labels)[0]

    draws = clean.scores.shape[1]
    return [
        Row("clean", "image", name, _over_mean(metric, clean, labels), fresh_draws=draws)
        for name, metric in (("AP", average_precision), ("F1-max", best_f1))
    ]


def _pixel_rows(
    detector: Detector, data: AnomalyData, images: Tensor, seed: int, notes: list[str]
) -> list[Row]:
    """Localisation on clean images; attacked, it would take an attack on the map."""
    masks = data.test.masks()
    if masks is None:
        notes.append("No masks for every anomalous test image: localisation was not measured.")
        return []
    device = detector.device
    generator = torch.Generator(device).manual_seed(seed)
    maps = detector.predict(images, generator).anomaly_map.squeeze(1).numpy()
    notes.append("Localisation was measured on clean images only: no attack aimed at the map.")
    truth = masks.squeeze(1).numpy()
    return [
        Row("clean", "pixel", name, Estimate(value, value, value), fresh_draws=1)
        for name, value in (("AUROC", pixel_auroc(maps, truth)), ("AUPRO", aupro(maps, truth)))
    ]
