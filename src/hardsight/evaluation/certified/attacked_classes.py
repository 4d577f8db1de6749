"""The empirical accuracy of a smoothed classifier, beside what is certified of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hardsight.attacks import Suite, is_random
from hardsight.certify import binomial_cdf, per_image_alpha
from hardsight.data import LabelledImages
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.certified.attacks import attack_whole, demand_certifiable
from hardsight.evaluation.certified.results import AttackedVote, ClassCertification
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.subjects import ClassifierSubject
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
        ValueError: see ``demand_certifiable``, or a classifier with noise of its own.
    """
    demand_certifiable(suites)
    part = data.take(found.index.tolist())
    if is_random(classifier, part.images[:1].float() / 255):
        raise ValueError(
            "classifier draws noise of its own; give what the certificate smooths, as OneShot with "
            "noisy=True behind Purified"
        )
    smoothed = Purified(Noising(found.terms.sigma), classifier)
    subject = ClassifierSubject.of(smoothed, part)
    whole, notes = attack_whole(subject, suites, protocol, execution, part.sha256)
    rows = (_voted(found, suite, done) for suite, done in whole)
    return replace(found, attacks=(*found.attacks, *rows), notes=(*found.notes, *notes))


def _voted(found: ClassCertification, suite: Suite, done: Attacked) -> AttackedVote:
    """Return what the votes on attacked images say of the certificate."""
    votes, radius = done.outputs, suite.ball.eps
    counts = torch.nn.functional.one_hot(torch.from_numpy(votes).long()).sum(1)
    winner: NDArray[np.int64] = counts.argmax(1).numpy()
    agreed = (votes == found.labels[:, None]).sum(1)
    sure = (found.predicted == found.labels) & (found.radii >= radius)
    alpha = per_image_alpha(found.terms.alpha, len(votes))
    lost = binomial_cdf(agreed, votes.shape[1], 0.5) < alpha
    return AttackedVote(
        name=suite.name,
        radius=radius,
        accuracy=float((winner == found.labels).mean()),
        certified=found.accuracy(radius),
        images=len(votes),
        broken=int((sure & lost).sum()),
    )
