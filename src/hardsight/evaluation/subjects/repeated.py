"""Asking a model the same again: whether it repeats itself, and whether it is still the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.core.capabilities import draws_noise, sample_noise
from hardsight.core.global_generators import kept_generators, seed_generators
from hardsight.core.repeatability import ASKED, ROUNDING, largest_change
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.subjects.subject import Subject

SAME = 1e-2
"""Part of the largest score up to which scores may differ from those that were kept of a model:
as in another precision, or on another processor."""
TOGETHER = 0.05
"""Part of its largest logit up to which an image's may differ with its batch: half precision rounds
otherwise there."""


def demand_repeatable(subject: Subject) -> Tensor:
    """Return the scores (1 or 2,) of a subject's first images, by which ``demand_known`` knows it.

    A model that does not say whether it is random is asked more often: one that draws one of two
    answers gives the same twice in half of all trials.

    Raises:
        ValueError: another score of the same images on the same noise: an attack could neither
            average nor know such randomness. Of a classifier, see ``_demand_own_answers``, too.
    """
    first, repeats = _asked(subject)
    if not repeats:
        raise ValueError(
            f"the {subject.kind} gives the same images on the same noise another {subject.answer} "
            "at each call: it draws randomness that an attack can neither average nor know; let it "
            "take (images, noise) and offer sample_noise(images, generator)"
        )
    if subject.kind == "classifier":
        _demand_own_answers(subject.model, subject.batch(0, 2))
    return first


def known_by(subject: Subject, transferred: bool) -> Tensors:
    """Return the scores by which a subject's model is known again, and its source.

    Args:
        subject: see ``demand_repeatable``.
        transferred: whether the attack was crafted on the source; one that draws randomness of its
            own may, and is not known again.

    Raises:
        ValueError: see ``demand_repeatable``.
    """
    found = {_named(subject): demand_repeatable(subject)}
    if transferred and subject.source is not None:
        scores, repeats = _asked(_source(subject))
        found |= {_named(subject, "source "): scores} if repeats else {}
    return found


def demand_known(subject: Subject, kept: Tensors, folder: Path) -> None:
    """Refuse a batch that was kept of another model, or made with another source.

    Args:
        subject: of the same name, weights and settings.
        kept: a batch, with what ``known_by`` returned then.
        folder: where it is.

    Raises:
        ValueError: other scores than by rounding; the message names the folder.
    """
    if (asked := kept.get(_named(subject))) is not None:
        _demand_same(subject, asked, folder)
    if (asked := kept.get(_named(subject, "source "))) is not None and subject.source is not None:
        _demand_same(_source(subject), asked, folder)


def _demand_same(subject: Subject, kept: Tensor, folder: Path) -> None:
    """Refuse a subject whose model is not the one of which batches were kept.

    Its weights, settings and name do not tell a model from every other: what a module keeps in
    plain attributes, and what its code or that of a function does, is in none of them.

    Args:
        subject, folder: see ``demand_known``.
        kept: what ``demand_repeatable`` returned then, on the same kind of device.
    """
    with kept_generators(subject.device):
        now = _first_scores(subject)().cpu()
    if largest_change(kept, now) > SAME:
        then, found = (", ".join(f"{v:.4g}" for v in each) for each in (kept, now))
        raise ValueError(
            f"{folder} holds batches of a {subject.kind} of the same name, weights and settings, "
            f"whose {subject.answer} of the first images was another: {then} then, {found} now; "
            f"give another folder, or remove {folder.parent}"
        )


@torch.no_grad()
def _demand_own_answers(classifier: nn.Module, x: Tensor) -> None:
    """Refuse a classifier that answers an image otherwise in another batch.

    Its figure would depend on the order of the images, and on which of them still stand while the
    rest are attacked: as of one that normalises by the statistics of the batch.

    Args:
        classifier: images (B, C, H, W) -> logits (B, K), in eval mode; it repeats itself.
        x: (1 or 2, C, H, W) in [0, 1].

    Raises:
        ValueError: other logits than by rounding.
    """
    noise = sample_noise(classifier, x, torch.Generator(x.device).manual_seed(0))
    if noise is not None and noise.shape[:1] != x.shape[:1]:
        return  # nothing says which of it is an image's own
    together, alone = (
        evaluate_draws(classifier, x[:n], 1, noise=None if noise is None else noise[:n])
        for n in (len(x), 1)
    )
    if largest_change(together[:1], alone) > TOGETHER:
        raise ValueError(
            "the classifier answers an image otherwise in another batch, so that its accuracy "
            "depends on the images beside it; let it look at each image alone, as with batch "
            "statistics of training (eval mode) in place of the batch's own"
        )


def _named(subject: Subject, which: str = "") -> str:
    """Return what scores of the model are called: noise differs by device."""
    return f"{which}asked on {subject.device.type}"


def _source(subject: Subject) -> Subject:
    """Return the subject with its source in place of the model."""
    changed: Subject = replace(subject, model=subject.source, source=None)  # type: ignore[type-var]
    return changed


def _asked(subject: Subject) -> tuple[Tensor, bool]:
    """Return the scores of the first images, and whether they are the same when asked again."""
    times = 2 if draws_noise(subject.model) else ASKED
    with kept_generators(subject.device):
        ask = _first_scores(subject)
        first, *others = (ask() for _ in range(times))
    return first, largest_change(first, *others) <= ROUNDING


def _first_scores(subject: Subject) -> Callable[[], Tensor]:
    """Return what scores the first two images on one noise, from a seed of its own.

    Torch's own generators are seeded too, for models that draw from these.
    """
    x = subject.batch(0, 2)
    seed_generators(0, subject.device)
    noise = subject.sample_noise(x, torch.Generator(x.device).manual_seed(0))
    return torch.no_grad()(lambda: subject.scores(x, noise, 0).float())
