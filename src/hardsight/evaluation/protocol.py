"""The evaluation of a detector on a test set: clean, attacked, drawn and written down."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import Suite, build_suite
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector
from hardsight.evaluation.attacked import Attacked, Truth, attack_set, run_key
from hardsight.evaluation.deadline import deadline
from hardsight.evaluation.gallery import choose, pictures
from hardsight.evaluation.provenance import describe, fingerprint
from hardsight.evaluation.published import published_auroc
from hardsight.evaluation.results import Evaluation, Row
from hardsight.evaluation.rows import (
    clean_rows,
    held_out_row,
    image_row,
    object_row,
    over_mean,
    pixel_rows,
)
from hardsight.evaluation.verdict import strongest
from hardsight.metrics import auroc

CURVE_EPS = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
UNAUDITED = "not audited"


def evaluate(
    detector: Detector,
    data: AnomalyData,
    suites: Sequence[Suite] | None = None,
    *,
    eps: str | float = "2/255",
    norm: str = "Linf",
    curve: Sequence[float] = CURVE_EPS,
    fresh_draws: int = 10,
    seed: int = 0,
    batch_size: int = 8,
    gallery: int = 8,
    source: Detector | None = None,
    stamp: Sequence[str] | None = None,
    folder: str | Path | None = None,
    max_minutes: float | None = None,
    provenance: dict[str, str] | None = None,
    progress: Progress = quiet,
) -> Evaluation:
    """Measure a detector on the test set, clean and under attack.

    Args:
        detector: fitted.
        data: its ``test`` set is used, and nothing else.
        suites: attacks to run; default ``pgd`` and ``eot-pgd`` in ``norm`` at ``eps``. Those of
            the map give pixel figures and need masks.
        eps, norm: the threat model of the default attacks and of the curve.
        curve: radii of AUROC against eps, attacked by a quick PGD; empty for none.
        source: another detector, on which suites of transferred attacks are crafted.
        stamp: reasons not to trust a robust figure, put on every attacked row; None: the detector
            was not audited.
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
    if suites is None:
        suites = [build_suite(n, norm, eps) for n in ("pgd", "eot-pgd")]
    detector.eval()
    labels, images = data.demand_both_kinds(), data.test.images()
    first = detector.prepare(images[:1])
    suites = [s.seen_by(detector, first) for s in suites]
    manifest = Manifest.of(data).sha256
    shown = choose(labels, gallery)
    until = deadline(max_minutes)
    flags = (UNAUDITED,) if stamp is None else tuple(stamp)
    state = [fingerprint(d) for d in (detector, source) if d is not None]
    notes = [
        f"{len(data.skipped)} unreadable files were left out; the manifest lists them."
    ] * bool(data.skipped)
    masks = data.test.masks() if detector.has_maps else None
    maps = _maps(detector, images, seed) if masks is not None else None
    truth = Truth(labels, source=source)
    if masks is not None and maps is not None:
        high = float(np.quantile(maps[:, :, ::4, ::4], 0.95))
        truth = Truth(labels, masks, high, max(float(maps.std()), 1e-12), source)

    def run(suite: Suite | None, draws: int = fresh_draws) -> Attacked:
        key = run_key(suite, state, manifest, seed, draws, batch_size, sorted(shown))
        return attack_set(
            detector,
            images,
            truth,
            suite,
            fresh_draws=draws,
            seed=seed,
            batch_size=batch_size,
            keep=shown,
            folder=Path(folder) / key if folder else None,
            deadline=until if suite else float("inf"),
            progress=progress,
        )

    def usable(done: Attacked, what: str) -> bool:
        """Note what time did not allow; a part is reported as long as it holds both kinds."""
        n = len(done.scores)
        if not done.complete:
            notes.append(f"Time ran out: {what} covers {n} of {len(labels)} images.")
        return bool(labels[:n].any() and not labels[:n].all())

    clean = run(None)

    def figure(suite: Suite | None, target: Literal["image", "pixel"]) -> float | None:
        attack, ball = (suite.name, suite.ball) if suite else ("clean", None)
        return published_auroc(detector.paper, data.name, attack, ball, target)

    rows: list[Row] = [image_row("clean", clean, labels, published=figure(None, "image"))]
    calibration = detector.calibration
    held_out = calibration.normal_scores if calibration else ()
    if held_out:
        rows.append(held_out_row(clean, labels, np.array(held_out)))
    rows += clean_rows(clean, labels)
    if masks is not None and maps is not None:
        rows += pixel_rows("clean", maps, masks.numpy(), published=figure(None, "pixel"))
        rows.append(object_row(images, masks.numpy()))
    else:
        notes.append("No masks for every anomalous test image: localisation was not measured.")
    attacked: dict[str, Attacked] = {}
    for suite in suites:
        done = run(suite)
        if not usable(done, suite.name):
            continue
        name = suite.name if suite.name not in attacked else f"{suite.name} {suite.ball}"
        if done.maps is not None and masks is not None:
            part = masks[: len(done.maps)].numpy()
            rows += pixel_rows(name, done.maps, part, done, suite, flags, figure(suite, "pixel"))
        else:
            attacked[name] = done
            rows.append(image_row(name, done, labels, suite, figure(suite, "image"), flags))
    if masks is not None and not any(s.on_map for s in suites):
        notes.append("Localisation was measured on clean images only: no attack aimed at the map.")
    quick = build_suite("pgd", norm, 0.0, steps=10, draws=2).seen_by(detector, first)
    points = [(0.0, rows[0].mean)] if curve else []
    for radius in sorted(curve):
        done = run(quick.at(radius), draws=4)
        if usable(done, f"the curve at {radius:.4f}"):
            points.append((radius, over_mean(auroc, done, labels)))
    if calibration:
        notes.append(calibration.statement)
    found = Evaluation(
        title=f"{type(detector).__name__} on {data.name}",
        provenance=(provenance or {}) | describe(detector, data, manifest, seed),
        labels=labels,
        names=tuple(data.test.names),
        scores={"clean": clean.scores} | {name: a.scores for name, a in attacked.items()},
        rows=tuple(rows),
        curve=tuple(points),
        curve_label=f"{quick.description}, {norm}",
        threshold=calibration.threshold if calibration else None,
        false_alarm_level=calibration.level if calibration else None,
        gallery=(),
        notes=tuple(notes),
        held_out=held_out,
    )
    hardest = attacked.get(strongest(found) or "")
    return replace(found, gallery=pictures(detector, data, sorted(shown), clean, hardest, seed))


def _maps(detector: Detector, images: Tensor, seed: int) -> NDArray[np.float32]:
    """(N, 1, H, W) maps of clean images, one draw."""
    generator = torch.Generator(detector.device).manual_seed(seed)
    found: NDArray[np.float32] = detector.predict(images, generator).anomaly_map.float().numpy()
    return found
