"""The empirical accuracy of a smoothed classifier, beside what is certified of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import nn

from hardsight.attacks import Suite, is_random
from hardsight.certify import per_image_alpha
from hardsight.data import LabelledImages
from hardsight.evaluation.attacked import Attacked, attack_set, run_key
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.certified.results import AttackedVote, ClassCertification
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.subjects import ClassifierSubject
from hardsight.evaluation.wording import nonfinite_gradients
from hardsight.purifiers import Noising, Purified

PROTOCOL, EXECUTION = Protocol(fresh_draws=100), Execution()


def attack_certified_classes(
    found: ClassCertification,
    classifier: nn.Module,
    data: LabelledImages,
    suites: Sequence[Suite],
    *,
    protocol: Protocol = PROTOCOL,
    execution: Execution = EXECUTION,
) -> ClassCertification:
    """Attack the smoothed classifier on every certified image; return the certification with that.

    The attack averages over the smoothing noise (Salman et al., 2019), and the attacked images are
    classified by the vote of fresh copies. As long as it can be believed, no certified accuracy is
    above an attacked one.

    Args:
        found: of ``classifier`` on images of ``data``.
        classifier: as given to ``certify_classifier``, without noise of its own.
        data: whose places ``found.index`` names.
        suites: L2 attacks, each at its radius.
        protocol: copies that vote on each attacked image, as fresh draws; seed and batch size.
        execution: where finished batches are kept; what is not whole when time runs out is left
            out, and noted.

    Raises:
        ValueError: a suite of another norm, or a classifier with noise of its own.
    """
    for suite in suites:
        if suite.ball.name != "L2":
            raise ValueError(
                f"suite={suite.name!r} must attack in L2, which the certificate is about, got "
                f"{suite.ball.name}"
            )
    part = data.take(found.index.tolist())
    if is_random(classifier, part.images[:1].float() / 255):
        raise ValueError(
            "classifier draws noise of its own; give what the certificate smooths, as OneShot with "
            "noisy=True behind Purified"
        )
    smoothed = Purified(Noising(found.terms.sigma), classifier)
    subject = ClassifierSubject.of(smoothed, part)
    until = deadline(execution.max_minutes)
    rows, notes = [], []
    for suite in suites:
        facts = (part.sha256, protocol.seed, protocol.fresh_draws, protocol.batch_size)
        key = run_key(suite, fingerprint(smoothed), *facts)
        with subject.at_rest():
            done = attack_set(subject, suite, protocol, batches=execution.batches(key, until))
        at = f"{suite.name} at radius {suite.ball.eps:g}"
        if done is None or len(done) < len(subject):
            notes.append(f"Time ran out: {at} was left out.")
            continue
        if done.nonfinite.any():
            notes.append(f"{at}: {nonfinite_gradients(done.nonfinite)}")
        rows.append(_voted(found, suite, done))
    return replace(found, attacks=(*found.attacks, *rows), notes=(*found.notes, *notes))


def _voted(found: ClassCertification, suite: Suite, done: Attacked) -> AttackedVote:
    """Return what the votes on attacked images say of the certificate."""
    votes, radius = done.outputs, suite.ball.eps
    counts = torch.nn.functional.one_hot(torch.from_numpy(votes).long()).sum(1)
    winner: NDArray[np.int64] = counts.argmax(1).numpy()
    agreed = (votes == found.labels[:, None]).sum(1)
    sure = (found.predicted == found.labels) & (found.radii >= radius)
    alpha = per_image_alpha(found.terms.alpha, len(votes))
    lost = binom.cdf(agreed, votes.shape[1], 0.5) < alpha
    return AttackedVote(
        name=suite.name,
        radius=radius,
        accuracy=float((winner == found.labels).mean()),
        certified=found.accuracy(radius),
        images=len(votes),
        broken=int((sure & lost).sum()),
    )
