"""The attacks by name."""

from dataclasses import replace
from typing import Any, Literal

from hardsight.attacks import recipes
from hardsight.attacks.attack import Attack
from hardsight.attacks.effort import BUDGETS, Effort
from hardsight.attacks.sea import SEA_LOSSES
from hardsight.attacks.suites import Suite, Target
from hardsight.attacks.threats import build_threat
from hardsight.attacks.victims import ClassVictim, ScoreVictim
from hardsight.core.suggestions import choices

BLAU = Effort(steps=20, draws=20, restarts=1, queries=0)
"""The attack of Blau et al. (2022)."""
DEEPFOOL = Effort(steps=50, draws=1, restarts=1, queries=0)
"""At most so many steps."""
CARLINI_WAGNER = Effort(steps=100, draws=1, restarts=1, queries=0)
"""Steps of Adam for each constant."""

ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for attack in (
        Attack("fgsm", recipes.fast_gradient_sign, summary="one signed step of eps"),
        Attack("bim", recipes.basic_iterative, summary="signed steps from the image"),
        Attack("pgd", recipes.pgd, summary="FreeRAD's attack of the score, one draw a step"),
        Attack(
            "eot-pgd",
            recipes.eot_pgd,
            fixed=True,
            summary="pgd, and PGD on smooth surrogates averaged over draws",
            for_noise=True,
        ),
        Attack(
            "bpda",
            recipes.pgd_on_each("bpda", averaged=False),
            summary="PGD round a bypassed part",
            diagnostic=True,
        ),
        Attack(
            "bpda-eot",
            recipes.pgd_on_each("bpda", averaged=True),
            summary="the same, averaged over draws",
            diagnostic=True,
            for_noise=True,
        ),
        Attack(
            "square",
            recipes.square,
            summary="random search that sees scores alone",
            diagnostic=True,
        ),
        Attack(
            "transfer",
            recipes.pgd_on_each("source", averaged=False),
            summary="crafted on any other model",
            diagnostic=True,
        ),
        Attack(
            "grey-box",
            recipes.pgd_on_each("source", averaged=True),
            summary="crafted on a model of the same making with other weights",
            diagnostic=True,
        ),
        Attack("autoattack", recipes.autoattack, summary="APGD, FAB and Square"),
        Attack(
            "autoattack-rand",
            recipes.autoattack_rand,
            fixed=True,
            summary="eot-pgd, APGD and Square averaged over draws",
        ),
        Attack("caa", recipes.composite, summary="momentum PGD, APGD and PGD in a chain"),
        Attack("a3", recipes.adaptive, summary="restarts with adaptive directions and discarding"),
        Attack("map-pgd", recipes.on_map("balanced"), "pixel", summary="PGD on the map"),
        Attack("segpgd", recipes.on_map("segpgd"), "pixel", summary="SegPGD on the map"),
        Attack(
            "sea",
            recipes.segmentation_ensemble(SEA_LOSSES),
            "pixel",
            summary="the segmentation ensemble attack on the map",
        ),
        Attack(
            "blau-pgd",
            recipes.long_steps(averaged=False),
            "class",
            summary="Blau et al.'s PGD, one draw a step",
            effort=BLAU,
        ),
        Attack(
            "blau-eot",
            recipes.long_steps(averaged=True),
            "class",
            fixed=True,
            summary="Blau et al.'s PGD averaged over draws",
            effort=BLAU,
            for_noise=True,
        ),
        Attack(
            "surrogate-eot",
            recipes.pgd_on_each("shorter", averaged=True),
            "class",
            summary="PGD through a purification of fewer steps, averaged over draws",
            diagnostic=True,
            for_noise=True,
        ),
        Attack(
            "vote-eot",
            recipes.on_vote,
            "class",
            fixed=True,
            summary="PGD on the means of what votes, averaged over draws; judged by the vote",
        ),
        Attack(
            "deviation",
            recipes.deviation,
            "class",
            fixed=True,
            summary="PGD away from the clean image's purification, alone and with the class loss",
        ),
        Attack(
            "purification",
            recipes.purification,
            "class",
            fixed=True,
            summary="eot-pgd, surrogate-eot, vote-eot and deviation, as far as a model offers them",
        ),
        Attack(
            "resubmission",
            recipes.eot_pgd,
            "class",
            submissions=10,
            summary="eot-pgd made ten times, each result submitted once; all must be survived",
            for_noise=True,
        ),
        Attack(
            "deepfool",
            recipes.deepfool,
            "class",
            summary="steps onto the boundary",
            effort=DEEPFOOL,
        ),
        Attack(
            "carlini-wagner",
            recipes.carlini_wagner,
            "class",
            summary="the nearest wrong image by a penalty, in L2 alone",
            effort=CARLINI_WAGNER,
        ),
        Attack(
            "gaussian",
            recipes.gaussian,
            "class",
            summary="noise, no attack",
            diagnostic=True,
            effort=BLAU,
        ),
    )
}
"""Name -> attack; ``recipes`` has what each is made of."""

Subject = Literal["detector", "classifier"]
"""What is attacked. An attack of the target "image" serves both."""

TARGETS: dict[Subject, tuple[Target, ...]] = {
    "detector": ("image", "pixel"),
    "classifier": ("image", "class"),
}


def attack_names(subject: Subject) -> tuple[str, ...]:
    """Return the names of the attacks of a subject."""
    return tuple(a.name for a in ATTACKS.values() if a.target in TARGETS[subject])


def build_suite(
    name: str,
    norm: str = "Linf",
    eps: str | float = "2/255",
    budget: str = "fast",
    *,
    fixed: bool | None = None,
    subject: Subject = "detector",
    **own: Any,
) -> Suite:
    """Return the suite called ``name``.

    Args:
        name: one of ``attack_names(subject)``.
        norm: "Linf" or "L2", or a name of ``THREATS``, such as "light".
        eps: the radius, e.g. ``"8/255"``.
        budget: "fast" or "full"; an attack with an effort of its own takes no notice.
        fixed: also attack with the noise fixed and known; None: as the attack says.
        subject: what is attacked. For a classifier ``class_suite`` names the objectives as well.
        own: fields of ``Effort`` that differ from the budget's, e.g. ``steps=10``.

    Raises:
        ValueError: an unknown name, budget, norm, field or objective, or a radius that is none.

    Examples:
        >>> from hardsight.attacks import build_suite
        >>> build_suite("eot-pgd", "Linf", "2/255", steps=10, objectives=("score",)).description
        'PGD 10 steps x 1 draw on score; PGD 10 steps x 4 draws on score'
    """
    known = attack_names(subject)
    if name not in known:
        raise ValueError(f"suite={name!r} is not for a {subject}; {choices(name, known)}")
    if budget not in BUDGETS:
        raise ValueError(f"budget={budget!r} is not known; choose from {', '.join(BUDGETS)}")
    unknown = own.keys() - Effort.__dataclass_fields__.keys()
    if unknown:
        raise ValueError(
            f"a budget has no {', '.join(sorted(unknown))}; "
            f"it has {', '.join(Effort.__dataclass_fields__)}"
        )
    attack = ATTACKS[name]
    effort = replace(attack.effort or BUDGETS[budget], **own)
    if not effort.objectives:
        raise ValueError("objectives must name at least one objective")
    aims = [*ScoreVictim.names, *ClassVictim.names]  # models with classes are attacked by all
    for objective in effort.objectives if subject == "detector" else ():
        if objective not in aims:
            said = choices(objective, ScoreVictim.names)
            raise ValueError(f"objective={objective!r} is not of a score; {said}")
    called = budget if effort == BUDGETS[budget] else "own"
    return attack.suite(build_threat(norm, eps), effort, called, fixed)
