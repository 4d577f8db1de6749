"""What the ablations of PatchGuard change: plan -> label -> dotted settings of the preset."""

from typing import Any

Changes = dict[str, Any]
SOFT = "recipe.regulariser.kind"


def _vit(size: str) -> Changes:
    name = f"vit_{size}_patch14_dinov2.lvd142m"
    return {"detector.backbone": {"name": "vit", "architecture": name}}


def _own(name: str, **settings: Any) -> Changes:
    """A backbone without attention, and so without a regulariser."""
    return {"detector.backbone": {"name": name, **settings}, SOFT: "none"}


def plans(depth: int) -> dict[str, dict[str, Changes]]:
    """Return every plan, for a ViT of ``depth`` layers.

    Tables are those of the supplement; "regulariser" and "adversaries" are this project's.
    """
    released = {
        SOFT: "kl-mean",
        "recipe.regulariser.layers": [max(1, depth // 2), max(1, depth * 3 // 4), depth],
        "recipe.regulariser.weights": [0.005, 0.01, 0.05],
    }
    return {
        "main": {"as preset": {}},
        "clean": {  # Table 7
            "adversarial": {},
            "clean": {"recipe.adversary.kind": "none"},
        },
        "delta": {  # Table 8
            f"{n}/N": {SOFT: "soft-degree", "recipe.regulariser.delta": n} for n in (0.5, 1.0, 2.0)
        },
        "size": {n: _vit(n) for n in ("small", "base", "large")},  # Table 9
        "convolution": {  # Table 10
            "vit": {},
            "resnet50": _own("resnet", architecture="resnet50"),
            "unet": _own("unet"),
        },
        "sparse": {  # Table 11
            "full": {},
            "bigbird": {"detector.backbone.name": "bigbird", SOFT: "none"},
            "bigbird + regulariser": {"detector.backbone.name": "bigbird"},
        },
        "layer": {  # Table 12
            f"N{1 + n:+d}" if n < -1 else "N": {"recipe.regulariser.layers": [n]}
            for n in (-3, -2, -1)
        }
        | {"discriminator": {"recipe.regulariser.layers": ["discriminator"]}},
        "discriminator": {  # Table 19
            "with": {},
            "without": {"detector.backbone.discriminator": False},
        },
        "eps": {  # Table 20; attacked at the radius trained with
            f"{n}/255": {"recipe.adversary.eps": n / 255, "selection.eps": n / 255}
            for n in (2, 4, 8)
        },
        "regulariser": {
            "none": {SOFT: "none"},
            "kl-mean as released": released,
            "kl-row": {SOFT: "kl-row"},
            "soft-degree": {SOFT: "soft-degree", "recipe.regulariser.weights": [10.0]},
        },
        "adversaries": {
            "pgd-10": {"recipe.adversary.kind": "pgd", "recipe.adversary.steps": 10},
            "fast": {"recipe.adversary.kind": "fast"},
            "free": {"recipe.adversary.kind": "free"},
        },
    }


SEEDS = {"regulariser": 3}
"""Plan -> seeds by default; elsewhere one."""
