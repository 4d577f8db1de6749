"""A plausible evaluation of a detector that never was, for tests of verdicts and reports."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from hardsight.evaluation.results import (
    Budget,
    Curve,
    Estimate,
    Evaluation,
    GalleryItem,
    Row,
)
from hardsight.metrics import auroc, bootstrap

EPS = 2 / 255
HOSTILE = 'broken_large/<script>alert("1")</script>&amp;$x_1$|.png'


def picture(rng, anomalous, size):
    """A turned metal disc on a dark table, scratched if anomalous, with a map that finds most."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    r = np.hypot(x, y)
    disc = 0.55 + 0.2 * np.cos(30 * r) * (r < 0.8) + 0.15 * np.cos(2 * np.arctan2(y, x))
    image = np.where(r < 0.8, disc, 0.12)[..., None] * np.array([1.0, 0.93, 0.82])
    image += 0.02 * rng.standard_normal(image.shape)
    mask = np.zeros((size, size), dtype=bool)
    if anomalous:
        cx, cy = rng.uniform(-0.4, 0.4, 2)
        mask = (np.abs(y - cy - 0.6 * (x - cx)) < 0.07) & (np.abs(x - cx) < 0.3)
    rebuilt = gaussian_filter(image, (1.5, 1.5, 0))
    image = np.where(mask[..., None], 0.95 - image, image)
    change = EPS * np.sign(gaussian_filter(rng.standard_normal(image.shape), (1, 1, 0)))
    haze = gaussian_filter(rng.random((size, size)), 6)
    found = gaussian_filter(mask.astype(float), 5) + 0.5 * haze
    attacked_map = gaussian_filter(mask.astype(float), 9) * 0.5 + haze * (0.6 if anomalous else 1.1)

    def tensor(a):
        return torch.tensor(np.moveaxis(a.clip(0, 1), -1, 0), dtype=torch.float32)

    return (
        tensor(image),
        tensor(image.clip(0, 1) + change),
        tensor(rebuilt),
        torch.tensor(found),
        torch.tensor(attacked_map),
        torch.tensor(mask),
    )


def synthetic(shift=1.6, items=2, size=32, flags=(), seed=0, **changes):
    """A plausible evaluation; ``shift`` is how far attacked defects lie above attacked normals."""
    rng = np.random.default_rng(seed)
    labels = np.arange(83) >= 20
    scores = {}
    for name, gap in (("clean", 3.2), ("pgd", (shift + 3.2) / 2), ("eot-pgd", shift)):
        base = rng.gamma(9, 0.11, labels.size) + 0.33 * gap * labels
        scores[name] = base[:, None] + 0.06 * rng.standard_normal((labels.size, 10))
    rows = []
    for name, columns in scores.items():
        low = np.where(labels, columns.min(1), columns.max(1))
        attacked = name != "clean"
        rows.append(
            Row(
                name,
                "image",
                "AUROC",
                Estimate(*bootstrap(auroc, columns.mean(1), labels, 100)),
                single=Estimate(*bootstrap(auroc, columns[:, 0], labels, 100)),
                worst=Estimate(*bootstrap(auroc, low, labels, 100)),
                fixed=Estimate(*bootstrap(auroc, low - 0.1 * labels, labels, 100))
                if name == "eot-pgd"
                else None,
                norm="Linf" if attacked else None,
                eps=EPS if attacked else 0.0,
                fresh_draws=10,
                budget=Budget("fast", "PGD 20 steps x 4 draws on score, top, mean", 252)
                if attacked
                else Budget(),
                published={"clean": 1.0, "pgd": 0.881}.get(name),
                seconds_per_image=1.37 if attacked else 0.0131,
                flags=flags if attacked else (),
            )
        )
    rows.append(Row("clean", "pixel", "AUROC", Estimate(0.942, 0.942, 0.942), fresh_draws=1))
    gallery = []
    for k in range(items):
        image, attacked, rebuilt, found, attacked_map, mask = picture(rng, k % 2 == 0, size)
        i = 20 + k if k % 2 == 0 else k
        gallery.append(
            GalleryItem(
                name=HOSTILE if k == 0 else f"good/{k:03d}.png",
                anomalous=k % 2 == 0,
                image=image,
                attacked=attacked,
                reconstruction=rebuilt,
                map_clean=found,
                map_attacked=attacked_map,
                mask=mask if k % 2 == 0 else None,
                score_clean=float(scores["clean"][i].mean()),
                score_attacked=float(scores["eot-pgd"][i].mean()),
            )
        )
    top = rows[2].mean.value
    end = Estimate(top - 0.4, top - 0.5, top - 0.3)
    points = tuple(
        zip((0, 1 / 255, 2 / 255, 8 / 255), (*(r.mean for r in rows[:3]), end), strict=True)
    )
    values = {
        "title": "AdvRAD on <bottle>",
        "provenance": {"detector": "AdvRAD <b>", "seed": "0", "split": "3fa9" * 16, "torch": "2"},
        "labels": labels,
        "names": tuple(f"{k:03d}.png" for k in range(83)),
        "outputs": scores,
        "rows": tuple(rows),
        "curves": (Curve("How strong?", "eps", {"pgd": points}, "PGD 10 steps, Linf"),),
        "threshold": 1.55,
        "thresholds": {"clean normals": 1.55},
        "false_alarm_level": 0.05,
        "gallery": tuple(gallery),
        "notes": ("Localisation was measured on clean images only.", "No masks for <x>."),
    }
    values |= changes
    mean = {name: columns.mean(1) for name, columns in values["outputs"].items()}
    return Evaluation(**({"decided": mean} | values))
