"""The evaluation of a classifier: clean, attacked, drawn and written down."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hardsight.attacks import Ball, Suite, is_random
from hardsight.core.types import Progress, quiet
from hardsight.data import LabelledImages
from hardsight.data.splits import evenly
from hardsight.evaluation.accuracy.attacked import AttackedClasses, Terms, attack_classes
from hardsight.evaluation.accuracy.published import known_of, published_accuracy
from hardsight.evaluation.accuracy.results import Accuracy, ClassPicture, Curve, strongest
from hardsight.evaluation.accuracy.rows import accuracy_row, averages
from hardsight.evaluation.accuracy.suites import class_suite
from hardsight.evaluation.attacked import run_key
from hardsight.evaluation.deadline import deadline
from hardsight.evaluation.protocol import UNAUDITED
from hardsight.evaluation.provenance import fingerprint, made_with
from hardsight.evaluation.results import Estimate, Row
from hardsight.evaluation.wording import radius
from hardsight.purifiers import behind


def evaluate_classifier(
    model: nn.Module,
    data: LabelledImages,
    suites: Sequence[Suite] | None = None,
    *,
    title: str | None = None,
    method: str | None = None,
    trained: Ball | None = None,
    source: nn.Module | None = None,
    curve: Sequence[float] = (),
    fresh_draws: int = 10,
    seed: int = 0,
    batch_size: int = 32,
    gallery: int = 8,
    stamp: Sequence[str] | None = None,
    folder: str | Path | None = None,
    max_minutes: float | None = None,
    provenance: dict[str, str] | None = None,
    progress: Progress = quiet,
) -> Accuracy:
    """Measure a classifier on labelled images, clean and under attack.

    Args:
        model: images (B, C, H, W) in [0, 1] -> logits (B, K); random ones, such as ``Purified``,
            have ``sample_noise(images, generator)`` and are called with (images, noise).
        data: labelled.
        suites: from ``class_suite``; default: blau-pgd and blau-eot at L-inf 8/255. The same suite
            at several threat models is averaged over them.
        title: of the report; None: of the model and the data.
        method: whose published figures stand beside, see ``published_accuracy``.
        trained: the threat model the classifier was trained against, left out of AwT.
        source: another classifier, for transferred and grey-box attacks; None: the classifier
            behind a purifier.
        curve: radii of accuracy against eps in the first suite's norm, attacked by a quick PGD.
        fresh_draws: noise draws classified after each attack, at least 10 for a table.
        seed: of all randomness.
        batch_size: images attacked at a time.
        gallery: images shown in the report, evenly spread.
        stamp: reasons not to trust a robust figure, put on every attacked row, see ``Audit.stamp``;
            None: the classifier was not audited.
        folder: where finished batches are kept; a killed evaluation goes on from there.
        max_minutes: stop attacking after this long and report what is done, saying so.
        provenance: what else the report shall show of the run.
        progress: told of every finished batch.
    """
    if suites is None:
        suites = [class_suite("blau-pgd"), class_suite("blau-eot")]
    model.eval()
    source = source or behind(model)
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    first = data.images[:1].to(device).float() / 255
    suites = [s.seen_by(model, first) for s in suites]
    until = deadline(max_minutes)
    shown = frozenset(evenly(np.arange(len(data)), gallery))
    state = [fingerprint(m) for m in (model, source) if m is not None]
    digest = data.sha256
    labels = data.labels.numpy()
    flags = (UNAUDITED,) if stamp is None else tuple(stamp)
    notes = [f"The images are {data.note}."] if data.note else []

    def run(suite: Suite | None, draws: int = fresh_draws) -> AttackedClasses:
        key = run_key(suite, "classes", state, digest, seed, draws, batch_size, sorted(shown))
        limit = until if suite else float("inf")
        terms = Terms(draws, seed, batch_size, shown, device, limit, progress)
        place = Path(folder) / key if folder else None
        return attack_classes(model, data, suite, terms, source, place)

    def usable(done: AttackedClasses, what: str) -> bool:
        if not done.complete:
            n = len(done.predicted)
            notes.append(f"Time ran out: {what} covers {n} of {len(labels)} images.")
        return len(done.predicted) > 0

    clean = run(None)
    figures = [published_accuracy(method, "clean", None)]
    rows = [accuracy_row("clean", clean, labels, None, figures[0] and figures[0].accuracy)]
    attacked: dict[str, AttackedClasses] = {}
    kept: list[Suite] = []
    for suite in suites:
        done = run(suite)
        name = suite.name
        if name in attacked:
            name = f"{name} {radius(suite.ball.name, suite.ball.eps)}"
        if not usable(done, name):
            continue
        figures.append(published_accuracy(method, suite.name, suite.ball))
        value = figures[-1].accuracy if figures[-1] else None
        rows.append(accuracy_row(name, done, labels, suite, value, flags))
        attacked[name] = done
        kept.append(suite)
    hardest = strongest(rows)
    worst = attacked[hardest.attack] if hardest else None
    curves = []
    if curve:
        norm = suites[0].ball.name if suites else "Linf"
        quick = class_suite("pgd", norm, 0.0, steps=10).seen_by(model, first)
        points = [(0.0, rows[0].mean)]
        for eps in sorted(curve):
            done = run(quick.at(eps), min(4, fresh_draws))
            if usable(done, f"the curve at {eps:.4f}"):
                points.append((eps, accuracy_row("", done, labels).mean))
        lines = {quick.name: tuple(points)}
        curves.append(Curve("How strong must the attack be?", "eps", lines, quick.description))
    return Accuracy(
        title=title or f"{type(model).__name__} on {data.name}",
        provenance=(provenance or {}) | _describe(model, data, digest, seed, device),
        labels=labels,
        classes=data.classes,
        rows=tuple(rows),
        places=tuple(f.place if f else "" for f in figures),
        predicted={"clean": clean.predicted} | {k: a.predicted for k, a in attacked.items()},
        averages=averages(rows[1:], kept, trained),
        curves=tuple(curves),
        gallery=_pictures(model, data, sorted(shown), clean, worst, seed, device),
        gallery_attack=_name(hardest),
        notes=tuple(notes),
        known=known_of(method),
    )


def accuracy_curve(
    values: Sequence[float],
    build: Callable[[float], tuple[nn.Module, LabelledImages]],
    suite: Suite | None = None,
    *,
    fresh_draws: int = 10,
    seed: int = 0,
    batch_size: int = 32,
    folder: str | Path | None = None,
    progress: Progress = quiet,
) -> tuple[tuple[float, Estimate], ...]:
    """Measure accuracy against a setting, such as T* (Blau et al., 2022, Figures 4 and 6).

    Args:
        values: of the setting.
        build: value -> (model, images): a purifier at that depth, or images of that severity.
        suite: the attack; None: the images as they are.
        fresh_draws, seed, batch_size, folder, progress: as ``evaluate_classifier``.

    Returns:
        (value, accuracy by the mean of the draws) for each value, a line of a ``Curve``.
    """
    points = []
    for value in values:
        model, data = build(value)
        model.eval()
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        facts = (fingerprint(model), data.sha256, seed, fresh_draws, batch_size)
        place = Path(folder) / run_key(suite, "curve", *facts) if folder else None
        terms = Terms(fresh_draws, seed, batch_size, frozenset(), device, progress=progress)
        done = attack_classes(model, data, suite, terms, behind(model), place)
        points.append((value, accuracy_row("", done, data.labels.numpy()).mean))
    return tuple(points)


def _name(row: Row | None) -> str:
    return f"{row.attack}, {radius(row.norm, row.eps)}" if row else ""


def _describe(
    model: nn.Module, data: LabelledImages, digest: str, seed: int, device: torch.device
) -> dict[str, str]:
    return {
        "model": f"{type(model).__name__} {getattr(model, 'settings', '')}".strip(),
        "weights": fingerprint(model),
        "data": f"{data.name}, {len(data)} images of {len(data.classes)} classes",
        "images (SHA-256)": digest,
    } | made_with(device, seed)


@torch.no_grad()
def _pictures(
    model: nn.Module,
    data: LabelledImages,
    indices: list[int],
    clean: AttackedClasses,
    worst: AttackedClasses | None,
    seed: int,
    device: torch.device,
) -> tuple[ClassPicture, ...]:
    """By position alone, never by result; one noise for clean and attacked."""
    purify = getattr(model, "purify", None)
    items = []
    for i in indices:
        x = data.images[i : i + 1].to(device).float() / 255
        hit = worst.images.get(i) if worst else None
        noise = None
        if is_random(model, x):
            generator = torch.Generator(device).manual_seed(seed)
            noise = model.sample_noise(x, generator)  # type: ignore[operator]

        def cleaned(image: Tensor | None, noise: Tensor | None = noise) -> Tensor | None:
            if image is None or purify is None:
                return None
            found: Tensor = purify(image[None].to(device), noise)[0, 0].clamp(0, 1).cpu()
            return found

        items.append(
            ClassPicture(
                label=data.classes[int(data.labels[i])],
                image=x[0].cpu(),
                attacked=hit,
                purified=cleaned(x[0]),
                purified_attacked=cleaned(hit),
                said_clean=data.classes[int(clean.together[i])],
                said_attacked=data.classes[int(worst.together[i])]
                if worst and hit is not None
                else None,
            )
        )
    return tuple(items)
