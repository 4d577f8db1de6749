"""The suites of the catalogue, and a few more, aimed at classifiers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hardsight.attacks import (
    ATTACKS,
    Attempt,
    ClassVictim,
    MarginObjective,
    Objective,
    Square,
    Suite,
    TargetedDLRObjective,
    build_suite,
)

FOUR_THREATS = (("Linf", 8 / 255), ("Linf", 16 / 255), ("L2", 1.0), ("L2", 2.0))
"""Threats of Blau et al. (2022), Table 2, over which all and the unseen ones are averaged."""
_TARGET = "dlr-"
_TARGETS = {"fast": 3, "full": 9}


@dataclass(frozen=True)
class LabelledVictim(ClassVictim):
    """A classifier whose number of classes is known: "dlr-1" aims at the likeliest wrong class.

    "dlr-k" is the targeted DLR towards the k-th likeliest of the wrong classes on the clean images
    (Croce & Hein, 2020); it needs four classes, "dlr" three.

    Args:
        model, labels, source: as ``ClassVictim``.
        classes: how many.
    """

    model: nn.Module
    classes: int = 10
    names: ClassVar[tuple[str, ...]] = (
        *ClassVictim.names,
        *(f"{_TARGET}{k}" for k in range(1, 10)),
    )

    def of(self, model: nn.Module) -> "LabelledVictim":
        """Return the same labels for another classifier."""
        return replace(self, model=model)

    def lacks(self, name: str) -> str | None:
        """Return why the objective cannot be built: there are too few classes, or no purifier."""
        likeliest = _likeliest(name)
        least = 3 if name == "dlr" else 1 if likeliest is None else max(4, likeliest + 1)
        if self.classes < least:
            return (
                f"objective={name!r} needs at least {least} classes, and there are {self.classes}"
            )
        return None if likeliest is not None else super().lacks(name)

    def objective(
        self,
        name: str,
        images: Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Objective:
        """Return one of ``ClassVictim``, or "dlr-1", "dlr-2", ..."""
        if (likeliest := _likeliest(name)) is None:
            return super().objective(name, images, draws, noise, generator)
        with torch.no_grad():
            seen = MarginObjective(self.model, self.labels, draws, noise).outputs(images, generator)
        others = seen.scatter(1, self.labels.to(seen.device)[:, None], -torch.inf)
        order = others.argsort(1, descending=True)
        target = order[:, likeliest - 1].to(self.labels.device)
        return TargetedDLRObjective(self.model, self.labels, target, draws, noise)


def _likeliest(name: str) -> int | None:
    """Return k of "dlr-k"; None of another name."""
    k = name.removeprefix(_TARGET)
    return int(k) if k != name and k.isdecimal() and int(k) > 0 else None


def class_suite(
    name: str, norm: str = "Linf", eps: str | float = "8/255", budget: str = "fast", **own: Any
) -> Suite:
    """Return a suite for ``LabelledVictim``.

    Those of the catalogue keep their names and budgets. Where they attack "the score", they attack
    the cross-entropy, Square the margin. "autoattack" is AutoAttack's standard composition: APGD on
    cross-entropy and on the targeted DLR (three targets at budget "fast", nine at "full"), FAB and
    Square; "autoattack-rand" is APGD and PGD on cross-entropy and DLR, averaged over draws, PGD on
    cross-entropy with a single draw, and Square.

    Of a purified classifier: "surrogate-eot", through a purification of fewer steps; "vote-eot",
    through the means of what votes; "deviation", away from the purification of the clean image.

    Besides: "blau-pgd" and "blau-eot", Blau et al.'s PGD of 20 steps of eps / 8 from the image,
    with 1 and 20 draws; "deepfool" (50 steps); "carlini-wagner", in L2; "gaussian", noise and no
    attack.

    Args:
        name: one of ``attack_names("classifier")``.
        norm, eps, budget: see ``build_suite``.
        own: fields of ``Effort`` that differ from the budget's, ``fixed``, and ``targets``: of the
            targeted DLR.

    Raises:
        ValueError: as ``build_suite``.
    """
    called = "own" if own.keys() - {"fixed"} else budget
    targets = own.pop("targets", _TARGETS.get(budget, 0))
    if "objectives" not in own:
        aimed = tuple(f"{_TARGET}{k}" for k in range(1, targets + 1))
        wanted = {"autoattack": ("ce", *aimed), "autoattack-rand": ("ce", "dlr")}
        own["objectives"] = wanted.get(name, ("ce", "margin"))
    suite = build_suite(name, norm, eps, budget, subject="classifier", **own)
    return replace(
        suite,
        build=partial(_attempts_for_classes, suite.build),
        target="class",
        budget="own" if ATTACKS[name].effort else called,
    )


def _attempts_for_classes(
    build: Callable[[Any], tuple[Attempt, ...]], ball: Any
) -> tuple[Attempt, ...]:
    """Return the attempts in a ball as they attack a classifier."""
    return tuple(map(_for_classes, build(ball)))


def _for_classes(attempt: Attempt) -> Attempt:
    name = attempt.objective
    if name == "score":
        name = "margin" if isinstance(attempt.optimiser, Square) else "ce"
    by_ratio = name == "dlr" or _likeliest(name) is not None
    return replace(attempt, objective=name, optional=attempt.optional or by_ratio)
