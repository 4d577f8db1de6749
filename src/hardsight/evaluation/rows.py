"""From outputs and maps to the rows of the table."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import Ball, Suite
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.published import published_over_threats
from hardsight.evaluation.results import HELD_OUT, OBJECT_ALONE, Averages, Budget, Estimate, Row
from hardsight.evaluation.subjects import DetectorSubject, Subject
from hardsight.evaluation.wording import UNRELIABLE, nonfinite_gradients, radius
from hardsight.metrics import auroc, bootstrap, metrics_of, pixel_auroc_interval
from hardsight.synthesis.foreground import foreground

Flags = tuple[str, ...]
BLIND = f"{UNRELIABLE}: finite gradients: "
"""What the flag of an attack begins with some of whose gradients were not finite."""


def main_figure(subject: Subject, done: Attacked) -> Estimate:
    """Return the main figure of a subject's outputs, of all draws together."""
    main = next(metrics_of(subject.target))
    return Estimate(*main.interval(done.mean, subject.truth[: len(done)]))


def output_rows(
    subject: Subject, name: str, done: Attacked, suite: Suite | None = None, flags: Flags = ()
) -> Iterator[Row]:
    """Yield the figures of a subject's outputs, the main one in the four noise columns.

    "mean" is that of all fresh draws together, "single" that of one draw, "worst" that of each
    image's worst draw, "fixed" that under noise the attacker knew. Without noise only the first is
    there. Of several submissions "single" is that of one, "mean" and "worst" that of the worst.

    Args:
        subject: of the outputs.
        name: of the attack, "clean" without one.
        done: what was attacked, or its beginning.
        suite: by what.
        flags: of an attacked row.
    """
    truth = subject.truth[: len(done)]
    main, *others = metrics_of(subject.target, attacked=suite is not None)
    drawn = done.outputs.shape[1] > 1
    yield Row(
        attack=name,
        target="image",
        metric=main.name,
        mean=main_figure(subject, done),
        single=Estimate(*main.over_draws(done.outputs, truth))
        if drawn and main.over_draws
        else None,
        worst=Estimate(*main.interval(subject.worst_outputs(done.outputs), truth))
        if drawn
        else None,
        fixed=None if done.fixed is None else Estimate(*main.interval(done.fixed, truth)),
        **_spent(done, suite, flags),
        **_published(subject, suite),
    )
    for metric in others:
        value = Estimate(*metric.interval(done.mean, truth))
        yield Row(name, "image", metric.name, value, **_spent(done, suite, flags))


def map_rows(
    subject: DetectorSubject,
    name: str,
    done: Attacked,
    suite: Suite | None = None,
    flags: Flags = (),
) -> Iterator[Row]:
    """Yield the figures of a detector's maps, of all fresh draws together and of a single one.

    None without masks.
    """
    maps, one = done.maps, done.maps_of_one
    if maps is None or subject.masks is None:
        return
    masks = subject.masks[: len(maps)].numpy()
    main, *others = metrics_of("pixel", attacked=suite is not None)
    spent = _spent(done, suite, flags)
    yield Row(
        name,
        "pixel",
        main.name,
        Estimate(*main.interval(maps, masks)),
        single=None if one is None else Estimate(*main.interval(one, masks)),
        **spent,
        **_published(subject, suite, on_map=True),
    )
    for metric in others:
        yield Row(name, "pixel", metric.name, Estimate(*metric.interval(maps, masks)), **spent)


def clean_rows(subject: Subject, clean: Attacked) -> list[Row]:
    """Return all that is measured of a subject left alone, the main figure first."""
    main, *others = output_rows(subject, "clean", clean)
    if not isinstance(subject, DetectorSubject):
        return [main, *others]
    calibration, rows = subject.model.calibration, [main]
    if calibration and calibration.clean_scores and clean.decided is not None:
        held_out = np.array(calibration.clean_scores)
        rows.append(held_out_row(clean.decided, subject.truth, held_out))
    rows += [*others, *map_rows(subject, "clean", clean)]
    if subject.masks is not None:
        rows.append(object_row(subject.images, subject.masks.numpy()))
    return rows


def held_out_row(
    decided: NDArray[np.float64], labels: NDArray[np.bool_], held_out: NDArray[np.float64]
) -> Row:
    """Return the AUROC of the test set's defects against other good parts than its own.

    Args:
        decided: (N,) scores of the test images on the known noise of decisions.
        labels: (N,) true = anomalous.
        held_out: (n,) scores of good parts that were held out of training, on the same noise.
    """
    scores = np.concatenate([held_out, decided[labels]])
    anomalous = np.arange(len(scores)) >= len(held_out)
    value = Estimate(*bootstrap(auroc, scores, anomalous))
    return Row("clean", "image", HELD_OUT, value, fresh_draws=1, images=len(scores))


def object_row(images: Tensor, masks: NDArray[np.bool_]) -> Row:
    """Return the pixel AUROC of marking the whole object in each image, with no notion of a defect.

    Defects lie on the object, so that a map which shows no more than that ranks most pixels of a
    background correctly: 0.5 of a surface that fills the image, and the more the smaller the
    object. A detector's map says something of defects as far as it exceeds this.

    Args:
        images: (N, 3, H, W) uint8 or float in [0, 1].
        masks: (N, 1, H, W).
    """
    value = Estimate(*pixel_auroc_interval(foreground(images).numpy(), masks))
    return Row("clean", "pixel", OBJECT_ALONE, value, images=len(images))


def averages(
    rows: Sequence[Row],
    suites: Sequence[Suite],
    trained: Ball | None = None,
    method: str | None = None,
) -> tuple[Averages, ...]:
    """Average each suite over its threat models: all (AoA), and those not trained on (AwT).

    Args:
        rows: attacked, in the order of the suites.
        suites: one a row.
        trained: the threat model of adversarial training; None: the model saw none.
        method: whose published averages stand beside, see ``published_accuracy``.
    """
    found = []
    for name in dict.fromkeys(s.name for s in suites):
        same = [r for r, s in zip(rows, suites, strict=True) if s.name == name]
        seen = (trained.name, trained.eps) if trained else None
        if len(same) > 1:
            found.append(averaged(name, same, seen, method))
    return tuple(found)


def averaged(
    suite: str, rows: Sequence[Row], trained: tuple[str, float] | None, method: str | None
) -> Averages:
    """Average the rows of a suite, one a threat model.

    Args:
        suite: its name.
        rows: attacked.
        trained: norm and radius of adversarial training; None: there was none.
        method: whose published averages stand beside.
    """
    threats = [(str(row.norm), row.eps) for row in rows]
    published = published_over_threats(method, suite, threats)
    unseen = [row.mean.value for row, one in zip(rows, threats, strict=True) if one != trained]
    return Averages(
        suite,
        tuple(radius(*one) for one in threats),
        float(np.mean([row.mean.value for row in rows])),
        float(np.mean(unseen)) if unseen else None,
        published.get("AoA"),
        published.get("AwT"),
    )


def _spent(done: Attacked, suite: Suite | None, flags: Flags) -> dict[str, Any]:
    """Return what a row says of the attack and its cost."""
    cost = {
        "fresh_draws": done.outputs.shape[1],
        "images": len(done),
        "seconds_per_image": done.seconds_per_image,
    }
    if suite is None:
        return cost
    return cost | {
        "norm": suite.ball.name,
        "eps": suite.ball.eps,
        "budget": Budget(suite.budget, suite.description, done.passes, suite.submissions),
        "flags": (*flags, *blind_flags(done)),
    }


def blind_flags(done: Attacked) -> Flags:
    """Return the flag of an attack some of whose gradients were not finite; () where all were."""
    if not done.nonfinite.any():
        return ()
    return (BLIND + nonfinite_gradients(done.nonfinite),)


def _published(subject: Subject, suite: Suite | None, on_map: bool = False) -> dict[str, Any]:
    """Return what a paper has in a row's place."""
    found = subject.published(suite, on_map)
    return {"published": found.value, "place": found.place} if found else {}
