"""Whether any attack breaks a certificate: none may, and how far it stays away is of interest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hardsight.attacks import Suite
from hardsight.certify import per_image_alpha, percentile_bounds
from hardsight.data import AnomalyData
from hardsight.detectors.adapters.smoothed import Smoothed
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.certified.attacks import attack_whole, demand_certifiable
from hardsight.evaluation.certified.protocol import own_detector, prepare
from hardsight.evaluation.certified.results import Certification, SmoothedAttack
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.provenance import digest_of
from hardsight.evaluation.subjects import DetectorSubject
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
        ValueError: see ``demand_certifiable``, or a certification without bounds.
    """
    demand_certifiable(suites)
    if len(found.scores) == 0:
        raise ValueError("found holds no bounds; certify without early stopping")
    terms, labels = found.terms, found.labels
    own = own_detector(detector, data.test.size)
    inner = prepare(own, data, terms.sigma, found.design, protocol.seed)
    smoothed = Smoothed(inner, terms.sigma)
    place = {name: i for i, name in enumerate(data.test.names)}
    images = data.test.images()[[place[name] for name in found.names]]
    subject = DetectorSubject(smoothed, images, labels)
    whole, notes = attack_whole(subject, suites, protocol, execution, digest_of(data), found.names)
    rows = (_held_against(found, suite, done) for suite, done in whole)
    return replace(found, attacks=(*found.attacks, *rows), notes=(*found.notes, *notes))


def _held_against(found: Certification, suite: Suite, done: Attacked) -> SmoothedAttack:
    """Return what the scores of attacked images say of the certificate."""
    terms, labels, radius = found.terms, found.labels, suite.ball.eps
    joint = terms.bounds | {"alpha": per_image_alpha(terms.alpha, len(labels))}
    attacked = done.outputs.T
    low, high = percentile_bounds(attacked, 0.0, **joint)
    lower, upper = percentile_bounds(found.scores, radius, **joint)
    each_low, each_high = percentile_bounds(found.scores, radius, **terms.bounds)
    middle = np.sort(attacked, axis=0)[replace(terms, n=len(attacked)).rank - 1]
    return SmoothedAttack(
        name=suite.name,
        radius=radius,
        auroc=auroc(middle, labels),
        certified=certified_auroc(each_low[labels], each_high[~labels]),
        images=len(labels),
        broken=int(np.where(labels, high < lower, low > upper).sum()),
    )
