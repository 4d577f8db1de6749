"""The evaluation of a classifier."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import nn

from hardsight.attacks import Ball, Suite
from hardsight.attacks.class_suites import class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation.attacked import attack_set, run_key
from hardsight.evaluation.diagnostics import hardest
from hardsight.evaluation.gallery import attack_of, classifier_items
from hardsight.evaluation.plan import Execution, Protocol, Record
from hardsight.evaluation.protocol import Measurement, demand_suites
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.published import known_of
from hardsight.evaluation.results import Estimate, Evaluation
from hardsight.evaluation.rows import averages, main_figure
from hardsight.evaluation.subjects import ClassifierSubject
from hardsight.evaluation.wording import nonfinite_gradients

USUAL, EXECUTION, RECORD = Protocol(batch_size=32), Execution(), Record()


def evaluate_classifier(
    model: nn.Module,
    data: LabelledImages,
    suites: Sequence[Suite] | None = None,
    *,
    source: nn.Module | None = None,
    trained: Ball | None = None,
    method: str | None = None,
    protocol: Protocol = USUAL,
    execution: Execution = EXECUTION,
    record: Record = RECORD,
) -> Evaluation:
    """Measure a classifier on labelled images, clean and under attack.

    The classifier is measured in eval mode, and left as it was.

    Args:
        model: images (B, C, H, W) in [0, 1] -> logits (B, K); random ones, such as ``Purified``,
            have ``sample_noise(images, generator)`` and are called with (images, noise).
        data: labelled; ``LabelledImages.of`` makes them of tensors.
        suites: from ``class_suite``; default: blau-pgd and blau-eot at L-inf 8/255. The same suite
            at several threat models is averaged over them.
        source: another classifier, for transferred and grey-box attacks; None: the classifier
            behind a purifier.
        trained: the threat model the classifier was trained against, left out of AwT.
        method: whose published figures stand beside, see ``published_accuracy``.
        protocol: draws, seed, batches, gallery and curve, whose norm is the first suite's.
        execution: where it is kept, how long it may take, whom it tells.
        record: what the report says besides.

    Raises:
        ValueError: logits that change from call to call on the same noise, or with the batch.
        TypeError: no labelled images, or suites by name alone.
    """
    if not isinstance(data, LabelledImages):
        raise TypeError(
            f"data must be LabelledImages, got {type(data).__name__}; "
            "LabelledImages.of(images, labels, classes=10) makes them of two tensors"
        )
    if suites is None:
        suites = [class_suite("blau-pgd"), class_suite("blau-eot")]
    demand_suites(suites, "class_suite")
    subject = ClassifierSubject.of(model, data, source, method)
    norm = suites[0].ball.name if suites else "Linf"
    with subject.at_rest():
        made = Measurement(subject, suites, norm, protocol, execution, record)
        found = made.run()
        result = made.result(found)
        row = hardest(result.main)
        worst = found.attacked[row.attack] if row else None
        return replace(
            result,
            classes=subject.classes,
            averages=averages(result.main[1:], found.suites, trained, method),
            gallery=classifier_items(subject, made.shown, found.clean, worst, protocol.seed),
            gallery_attack=attack_of(row),
            known=known_of(method),
        )


def accuracy_curve(
    values: Sequence[float],
    build: Callable[[float], tuple[nn.Module, LabelledImages]],
    suite: Suite | None = None,
    *,
    protocol: Protocol = USUAL,
    execution: Execution = EXECUTION,
) -> tuple[tuple[float, Estimate], ...]:
    """Measure accuracy against a setting, such as T* (Blau et al., 2022, Figures 4 and 6).

    Args:
        values: of the setting.
        build: value -> (model, images): a purifier at that depth, or images of that severity.
        suite: the attack; None: the images as they are.
        protocol, execution: as ``evaluate_classifier``, without a time limit.

    Returns:
        (value, accuracy by the mean of the draws) for each value, a line of a ``Curve``.

    Raises:
        ValueError: gradients that are not finite, which a line cannot tell of.
    """
    points = []
    for value in values:
        model, data = build(value)
        subject = ClassifierSubject.of(model, data)
        facts = (fingerprint(model), data.sha256, protocol.seed, protocol.fresh_draws)
        key = run_key(suite, "curve", value, *facts, protocol.batch_size)
        with subject.at_rest():
            done = attack_set(subject, suite, protocol, batches=execution.batches(key))
        assert done is not None  # no deadline
        if done.nonfinite.any():
            raise ValueError(f"at {value:g}: {nonfinite_gradients(done.nonfinite)}")
        points.append((value, main_figure(subject, done)))
        execution.progress("curve", len(points), len(values), f"at {value:g}")
    return tuple(points)
