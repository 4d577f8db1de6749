"""From scores and maps to the rows of the table."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import Suite
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.results import HELD_OUT, OBJECT_ALONE, Budget, Estimate, Row
from hardsight.metrics import (
    aupro,
    auroc,
    average_precision,
    best_f1,
    bootstrap,
    bootstrap_over_draws,
    pixel_auroc_interval,
)
from hardsight.synthesis.foreground import foreground

Metric = Callable[[Any, NDArray[np.bool_]], float]


def over_mean(metric: Metric, done: Attacked, labels: NDArray[np.bool_]) -> Estimate:
    """The metric of the scores averaged over their draws, with its bootstrap interval."""
    return Estimate(*bootstrap(metric, done.scores.mean(1), labels[: len(done.scores)]))


def image_row(
    name: str,
    done: Attacked,
    labels: NDArray[np.bool_],
    suite: Suite | None = None,
    published: float | None = None,
    flags: tuple[str, ...] = (),
) -> Row:
    """The image AUROC in the four noise columns."""
    part = labels[: len(done.scores)]
    random = done.scores.shape[1] > 1 and bool(np.ptp(done.scores, axis=1).any())
    worst = np.where(part, done.scores.min(1), done.scores.max(1))
    return Row(
        attack=name,
        target="image",
        metric="AUROC",
        mean=over_mean(auroc, done, labels),
        single=Estimate(*bootstrap_over_draws(auroc, done.scores, part)) if random else None,
        worst=Estimate(*bootstrap(auroc, worst, part)) if random else None,
        fixed=None if done.fixed is None else Estimate(*bootstrap(auroc, done.fixed, part)),
        published=published,
        **_attack(done, suite, flags),
    )


def clean_rows(clean: Attacked, labels: NDArray[np.bool_]) -> list[Row]:
    """Average precision and best F1 of clean images."""
    draws = clean.scores.shape[1]
    return [
        Row("clean", "image", name, over_mean(metric, clean, labels), fresh_draws=draws)
        for name, metric in (("AP", average_precision), ("F1-max", best_f1))
    ]


def held_out_row(clean: Attacked, labels: NDArray[np.bool_], held_out: NDArray[np.float64]) -> Row:
    """The AUROC of the test set's defects against other good parts than its own.

    Args:
        clean: scores of the test images; one draw of them is compared.
        labels: (N,) true = anomalous.
        held_out: (n,) scores of good parts that were held out of training, one draw each.
    """
    scores = np.concatenate([held_out, clean.scores[labels, 0]])
    anomalous = np.arange(len(scores)) >= len(held_out)
    return Row(
        "clean", "image", HELD_OUT, Estimate(*bootstrap(auroc, scores, anomalous)), fresh_draws=1
    )


def pixel_rows(
    name: str,
    maps: NDArray[Any],
    masks: NDArray[np.bool_],
    done: Attacked | None = None,
    suite: Suite | None = None,
    flags: tuple[str, ...] = (),
    published: float | None = None,
) -> Iterable[Row]:
    """Pixel AUROC with its interval over images, and AUPRO.

    Args:
        name: of the attack, "clean" without one.
        maps: (N, H, W) or (N, 1, H, W).
        masks: the same shape, of as many images.
        done, suite: of an attack of the map.
        flags: of every row.
        published: a paper's pixel AUROC.
    """
    spent = _attack(done, suite, flags) if done else {"fresh_draws": 1}
    one = None if done is None else done.maps_of_one
    yield Row(
        name,
        "pixel",
        "AUROC",
        Estimate(*pixel_auroc_interval(maps, masks)),
        single=None if one is None else Estimate(*pixel_auroc_interval(one, masks)),
        published=published,
        **spent,
    )
    value = aupro(maps, masks)
    yield Row(name, "pixel", "AUPRO", Estimate(value, value, value), **spent)


def object_row(images: Tensor, masks: NDArray[np.bool_]) -> Row:
    """The pixel AUROC of marking the whole object in every image, with no notion of a defect.

    Defects lie on the object, so that a map which shows no more than that ranks most pixels of a
    background correctly: 0.5 of a surface that fills the image, and the more the smaller the
    object. A detector's map says something of defects as far as it exceeds this.

    Args:
        images: (N, 3, H, W) uint8 or float in [0, 1].
        masks: (N, 1, H, W).
    """
    value = Estimate(*pixel_auroc_interval(foreground(images).numpy(), masks))
    return Row("clean", "pixel", OBJECT_ALONE, value)


def _attack(done: Attacked, suite: Suite | None, flags: tuple[str, ...]) -> dict[str, Any]:
    """What a row says of the attack and its cost."""
    cost = {"fresh_draws": done.scores.shape[1], "seconds_per_image": done.seconds_per_image}
    if suite is None:
        return cost
    return cost | {
        "norm": suite.ball.name,
        "eps": suite.ball.eps,
        "budget": Budget(suite.budget, suite.description, done.passes),
        "flags": flags,
    }
