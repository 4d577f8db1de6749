"""Whether any attack breaks a certificate: none may, and how far it stays away is of interest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hardsight.attacks import Suite
from hardsight.certify import per_image_alpha, percentile_bounds
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData
from hardsight.detectors.adapters.smoothed import Smoothed
from hardsight.evaluation.attacked import Truth, attack_set, run_key
from hardsight.evaluation.certified.protocol import own_detector, prepare
from hardsight.evaluation.certified.results import Certification, SmoothedAttack
from hardsight.evaluation.provenance import fingerprint
from hardsight.metrics import auroc, certified_auroc


def attack_certified(
    found: Certification,
    detector: Any,
    data: AnomalyData,
    suites: Sequence[Suite],
    *,
    fresh_draws: int = 100,
    seed: int = 0,
    batch_size: int = 8,
    folder: str | Path | None = None,
    deadline: float = float("inf"),
    progress: Progress = quiet,
) -> Certification:
    """Attack the smoothed score of every certified image; return the certification with the gap.

    The attacked images are scored on fresh smoothing noise. One breaks its certificate if its
    smoothed score has certainly left the bounds: if their confidence intervals, all of them
    together at ``alpha`` on either side, do not meet.

    Args:
        found: of ``detector`` on ``data``, with all noisy copies and the same ``seed``.
        detector, data: as given to ``certify``.
        suites: L2 attacks of the image score, each at its radius.
        fresh_draws: noisy copies of each attacked image.
        seed: of all randomness.
        batch_size: images attacked at a time.
        folder: where finished batches are kept.
        deadline: ``time.monotonic()`` after which no further batch starts; what is not whole by
            then is left out, and noted.
        progress: told of every finished batch.

    Raises:
        ValueError: a suite of another norm or of the map, or a certification without bounds.
    """
    for suite in suites:
        if suite.ball.name != "L2" or suite.on_map:
            raise ValueError(
                f"suite={suite.name!r} must attack the image score in L2, which the certificate is "
                f"about, got {suite.target} in {suite.ball.name}"
            )
    if len(found.scores) == 0:
        raise ValueError("found holds no bounds; certify without early stopping")
    terms, labels = found.terms, found.labels
    inner = prepare(own_detector(detector, data.test.size), data, terms.sigma, found.design, seed)
    smoothed = Smoothed(inner, terms.sigma).eval()
    place = {name: i for i, name in enumerate(data.test.names)}
    images = data.test.images()[[place[name] for name in found.names]]
    joint = terms.bounds | {"alpha": per_image_alpha(terms.alpha, len(labels))}
    rows, notes = [], []
    for suite in suites:
        radius = suite.ball.eps
        key = run_key(suite, fingerprint(smoothed), found.names, seed, fresh_draws, batch_size)
        done = attack_set(
            smoothed,
            images,
            Truth(labels),
            suite,
            fresh_draws=fresh_draws,
            seed=seed,
            batch_size=batch_size,
            folder=Path(folder) / key if folder else None,
            deadline=deadline,
            progress=progress,
        )
        if not done.complete:
            notes.append(f"Time ran out: {suite.name} at radius {radius:g} was left out.")
            continue
        attacked = done.scores.T
        low, high = percentile_bounds(attacked, 0.0, **joint)
        lower, upper = percentile_bounds(found.scores, radius, **joint)
        each_low, each_high = percentile_bounds(found.scores, radius, **terms.bounds)
        rank = max(1, int(np.ceil(terms.quantile * fresh_draws - 1e-9)))
        rows.append(
            SmoothedAttack(
                name=suite.name,
                radius=radius,
                auroc=auroc(np.sort(attacked, axis=0)[rank - 1], labels),
                certified=certified_auroc(each_low[labels], each_high[~labels]),
                images=len(labels),
                broken=int(np.where(labels, high < lower, low > upper).sum()),
            )
        )
    return replace(found, attacks=(*found.attacks, *rows), notes=(*found.notes, *notes))
