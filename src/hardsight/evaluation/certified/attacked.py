"""Whether any attack breaks a certificate: none may, and how far it stays away is of interest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hardsight.attacks import Suite
from hardsight.certify import per_image_alpha, percentile_bounds
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors.adapters.smoothed import Smoothed
from hardsight.evaluation.attacked import attack_set, run_key
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.certified.protocol import own_detector, prepare
from hardsight.evaluation.certified.results import Certification, SmoothedAttack
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.subjects import DetectorSubject
from hardsight.evaluation.wording import nonfinite_gradients
from hardsight.metrics import auroc, certified_auroc

PROTOCOL, EXECUTION = Protocol(fresh_draws=100), Execution()


def attack_certified(
    found: Certification,
    detector: Any,
    data: AnomalyData,
    suites: Sequence[Suite],
    *,
    protocol: Protocol = PROTOCOL,
    execution: Execution = EXECUTION,
) -> Certification:
    """Attack the smoothed score of every certified image; return the certification with the gap.

    The attacked images are scored on fresh smoothing noise. One breaks its certificate if its
    smoothed score has certainly left the bounds: if their confidence intervals, all of them
    together at ``alpha`` on either side, do not meet.

    Args:
        found: of ``detector`` on ``data``, with all noisy copies and the same seed.
        detector, data: as given to ``certify``.
        suites: L2 attacks of the image score, each at its radius.
        protocol: noisy copies of each attacked image, as fresh draws; seed and batch size.
        execution: where finished batches are kept; what is not whole when time runs out is left
            out, and noted.

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
    own = own_detector(detector, data.test.size)
    inner = prepare(own, data, terms.sigma, found.design, protocol.seed)
    smoothed = Smoothed(inner, terms.sigma)
    place = {name: i for i, name in enumerate(data.test.names)}
    images = data.test.images()[[place[name] for name in found.names]]
    subject = DetectorSubject(smoothed, images, labels)
    joint = terms.bounds | {"alpha": per_image_alpha(terms.alpha, len(labels))}
    until, draws = deadline(execution.max_minutes), protocol.fresh_draws
    digest = Manifest.of(data).sha256
    rows, notes = [], []
    for suite in suites:
        radius = suite.ball.eps
        facts = (digest, found.names, protocol.seed, draws, protocol.batch_size)
        key = run_key(suite, fingerprint(smoothed), *facts)
        with subject.at_rest():
            done = attack_set(subject, suite, protocol, batches=execution.batches(key, until))
        at = f"{suite.name} at radius {radius:g}"
        if done is None or len(done) < len(subject):
            notes.append(f"Time ran out: {at} was left out.")
            continue
        if done.nonfinite.any():
            notes.append(f"{at}: {nonfinite_gradients(done.nonfinite)}")
        attacked = done.outputs.T
        low, high = percentile_bounds(attacked, 0.0, **joint)
        lower, upper = percentile_bounds(found.scores, radius, **joint)
        each_low, each_high = percentile_bounds(found.scores, radius, **terms.bounds)
        rank = max(1, int(np.ceil(terms.quantile * draws - 1e-9)))
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
