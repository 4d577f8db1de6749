"""Attacks of a smoothed model inside the radii of its certificate."""

from collections.abc import Sequence

from hardsight.attacks import Suite
from hardsight.evaluation.attacked import Attacked, attack_set, run_key
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.costs import Meter, attack_cost
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.subjects import Subject
from hardsight.evaluation.wording import nonfinite_gradients


def demand_certifiable(suites: Sequence[Suite]) -> None:
    """Refuse attacks that a certificate says nothing of.

    Raises:
        ValueError: a suite of another norm than L2, of the map, of another model, or that submits
            an image several times: its outputs are no draws of one image.
    """
    for suite in suites:
        if suite.ball.name != "L2" or suite.on_map:
            raise ValueError(
                f"suite={suite.name!r} must attack in L2, which the certificate is about, and not "
                f"the map, got {suite.target} in {suite.ball.name}"
            )
        suite.demand_own("a certificate")
        if suite.submissions > 1:
            raise ValueError(
                f"suite={suite.name!r} submits an image {suite.submissions} times, and a "
                "certificate is held against fresh draws of one image; take eot-pgd"
            )


def attack_whole(
    subject: Subject,
    suites: Sequence[Suite],
    protocol: Protocol,
    execution: Execution,
    *facts: object,
) -> tuple[list[tuple[Suite, Attacked]], list[str]]:
    """Attack all images of a smoothed subject by each suite, as far as time allows.

    Args:
        subject: its model draws the smoothing noise.
        suites: each at its radius.
        protocol: fresh draws, seed and batch size.
        execution: where finished batches are kept, and how long it may take.
        facts: what tells the images from others.

    Returns:
        The suites that were carried out on all images, with what they did, and what is to be noted
        of them and of the rest.
    """
    until, facts = deadline(execution.max_minutes), (fingerprint(subject.model), *facts)
    whole, notes = [], []
    costs = [attack_cost(subject, suite, protocol.fresh_draws) for suite in suites]
    meter = Meter(execution.progress, "attack", sum(costs) * len(subject))
    for suite, cost in zip(suites, costs, strict=True):
        how = (protocol.seed, protocol.fresh_draws, protocol.batch_size)
        kept = execution.batches(run_key(suite, *facts, *how), until)
        at = f"{suite.name} at radius {suite.ball.eps:g}"
        with subject.at_rest():
            told = meter.of_images(cost, at, len(subject))
            done = attack_set(subject, suite, protocol, batches=kept, told=told)
        if done is None or len(done) < len(subject):
            notes.append(f"Time ran out: {at} was left out.")
            continue
        if done.nonfinite.any():
            notes.append(f"{at}: {nonfinite_gradients(done.nonfinite)}")
        whole.append((suite, done))
    if len(whole) == len(suites):
        meter.end()  # what was kept told nothing
    return whole, notes
