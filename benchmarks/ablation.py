"""What each part of preset `hardsight` is good for: one factor at a time, on validation data.

    .venv/bin/python benchmarks/ablation.py bottle --data ../shared/data/mvtec256
    .venv/bin/python benchmarks/ablation.py bottle --data ... --only base "one draw" --seeds 3
    .venv/bin/python benchmarks/ablation.py bottle --table

The training images of a category are divided: three quarters are trained on and chosen by, the
rest, and copies of them with synthetic defects, are what the figures are of. No test image is
read. Trainings are short and at 128 pixels, and what a variant has in common with the base is
trained once. Runs are kept in runs/ablation/; what is recorded is not done again.

The table has each variant's figures and their differences to those of the base, with 95 % bootstrap
intervals over the same images for both: they know nothing of what another seed would change.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evaluated import evaluated
from figures import keep, kept
from numpy.typing import NDArray
from sets import add_sets, changed, root
from stages import take_over

from hardsight.attacks import build_suite
from hardsight.config import load_preset
from hardsight.data import load, split_validation
from hardsight.detectors.advrad.candidates import distance
from hardsight.evaluation import Protocol
from hardsight.metrics import auroc, bootstrap
from hardsight.runs import DetectorRun, open_detector_run, start_run
from hardsight.synthesis import pseudo_anomalies
from hardsight.training.loop import write_picture

SIZE = 128
BASE = "base"


def noised(low: int, high: int, *scored: int) -> dict[str, Any]:
    """Return settings: adversarial training at k from ``low`` to ``high``, the score at some k."""
    return {
        "adversarial_training.k_low": low,
        "adversarial_training.k_high": high,
        "selection.ks": list(scored),
    }


SHORT: dict[str, Any] = {
    "detector.image_size": SIZE,
    "start": None,
    "detector.denoiser": {"name": "fast", "channels": 48, "patch": 4},
    "detector.head": {"patch": 4},
    "training.steps": 800,
    "training.sample_every": None,
    "adversarial_training.steps": 400,
    "map_head_training.steps": 200,
    "map_head_training.warm_up": 50,
    **noised(100, 300, 100, 200, 300),
    "adversarial_training.peak": 0.3,
}
"""What makes the base of the preset: short, small, at any k of those and with the peak that it had
once."""
NO_PEAK: dict[str, Any] = {"adversarial_training.peak": 0.0}
ONE_STEP: dict[str, Any] = {
    "adversarial_training.attack_steps": 1,
    "adversarial_training.step_share": 1.25,
}
VARIANTS: dict[str, dict[str, Any]] = {
    BASE: {},
    "no adversarial training": {"adversarial_training": None},
    "the time of adversarial training for plain training": {
        "adversarial_training": None,
        "training.steps": 1900,
    },
    "300 plain steps, 600 adversarial": {"training.steps": 300, "adversarial_training.steps": 600},
    "plain training at the noise of adversarial training": {
        "detector.denoiser": SHORT["detector.denoiser"]
        | {"log_sigma_mean": -0.4, "log_sigma_std": 0.5}
    },
    "normal images only": {"adversarial_training.anomalous": 0.0},
    "anomalous images only": {"adversarial_training.anomalous": 1.0},
    "plain loss beside it, weight 0.3": {"adversarial_training.plain": 0.3},
    "no peak in the loss": NO_PEAK,
    "no peak, adversarial learning rate 4e-4": NO_PEAK | {"adversarial_training.lr": 4e-4},
    "no peak, plain loss beside it, weight 0.3": NO_PEAK | {"adversarial_training.plain": 0.3},
    "no peak, attack on the mean error": NO_PEAK
    | {
        "adversarial_training.margin": 0.0,
        "adversarial_training.filter_size": 1,
        "adversarial_training.top": 1.0,
    },
    "no peak, eps 10/255": NO_PEAK | {"adversarial_training.eps": 10 / 255},
    "no peak, three attack steps": NO_PEAK
    | {"adversarial_training.attack_steps": 3, "adversarial_training.step_share": 0.5},
    "no peak, anomalous images only": NO_PEAK | {"adversarial_training.anomalous": 1.0},
    "no peak, k = 100 alone": NO_PEAK | noised(100, 100, 100),
    "no peak, k = 200 alone": NO_PEAK | noised(200, 200, 200),
    "one attack step of 1.25 eps": ONE_STEP,
    "one attack step, 560 steps in that time": ONE_STEP | {"adversarial_training.steps": 560},
    "eps 4/255": {"adversarial_training.eps": 4 / 255},
    "eps drawn from 0 to 8/255": {"adversarial_training.eps_low": 0.0},
    "adversarial learning rate 4e-4": {"adversarial_training.lr": 4e-4},
    "peak in the loss, weight 1": {"adversarial_training.peak": 1.0},
    "k from 200 to 400": noised(200, 400, 200, 300, 400),
    "k from 50 to 200": noised(50, 200, 50, 100, 200),
    **{f"k = {k} alone": noised(k, k, k) for k in (10, 50, 100, 200)},
    "next to no noise, k from 1 to 25": noised(1, 25, 1, 10, 25),
    "cut and paste only": {"adversarial_training.defects": 0.0},
    "next to no noise, cut and paste only": noised(1, 25, 1, 10, 25)
    | {"adversarial_training.defects": 0.0},
    "synthetic defects only": {"adversarial_training.defects": 1.0},
    "no margin in the score": {"selection.margins": [0.0]},
    "fresh noise": {"detector.fixed_noise": False},
    "one draw": {"detector.draws": 1},
    "four draws": {"detector.draws": 4},
    "head on clean images": {"map_head_training.eps": 0.0},
    "10 normals": {"data.limit_train": 10},
    "20 normals": {"data.limit_train": 20},
    "50 normals": {"data.limit_train": 50},
}
"""Label -> dotted settings on top of these. The preset trains at one k, without a peak."""
ATTACK = "eot-pgd"


def divided(category: Path, folder: Path, seed: int = 0) -> Path:
    """Write the training images of a category as a data set with test images of its own.

    Args:
        category: in any layout that ``load`` knows.
        folder: new, or written by this function.
        seed: of division and defects.
    """
    done = folder / "complete"
    if done.exists():
        return folder
    data = load(category, size=SIZE)
    samples = sorted((*data.train.samples, *data.validation.samples), key=lambda s: s.path)
    kept, held_out = split_validation(samples, 0.25, seed, data.root)
    images = {
        s.path: x
        for part in (data.train, data.validation)
        for s, x in zip(part.samples, part.images(), strict=True)
    }
    defective = pseudo_anomalies(
        torch.stack([images[s.path] for s in held_out]),
        1,
        (0.3, 1.0),
        torch.Generator().manual_seed(seed),
    )
    for i, sample in enumerate(kept):
        write_picture(images[sample.path] / 255, folder / "train" / "good" / f"{i:03}.png")
    n = len(held_out)
    for i in range(n):
        write_picture(defective.images[i], folder / "test" / "good" / f"{i:03}.png")
        write_picture(defective.images[n + i], folder / "test" / "synthetic" / f"{i:03}.png")
        mask = defective.masks[n + i].float().expand(3, -1, -1)
        write_picture(mask, folder / "ground_truth" / "synthetic" / f"{i:03}_mask.png")
    done.touch()
    return folder


def place(runs: Path, name: str, label: str, seed: int) -> Path:
    """Return the folder of a variant's run."""
    return runs / f"{name}-{label}-{seed}".replace(" ", "_").replace("/", "_")


def borrow(run: DetectorRun, label: str, other: DetectorRun) -> None:
    """Take over from the base's run, if it is there, the stages that a variant does not change."""
    parts = {key.partition(".")[0] for key in VARIANTS[label]}
    same = not parts & {"data", "training"} and "detector.denoiser" not in VARIANTS[label]
    if same and label != BASE and (other.path / "training").is_dir():
        take_over(
            run, other, *(["adversarial-training"] if "adversarial_training" in parts else [])
        )


def table(name: str, seeds: int) -> None:
    """Print what is recorded of a data set as a table."""
    found = kept("ablation")
    print(
        "| variant | clean | to the base | attacked | to the base "
        "| d', attacked | to the base | pixel | map attacked |"
    )
    print(f"|{'---|' * 9}")
    for seed in range(seeds):
        base = found[f"{name} | {BASE} | seed {seed}"]
        for label in VARIANTS:
            if record := found.get(f"{name} | {label} | seed {seed}"):
                cells = [label if seeds == 1 else f"{label}, seed {seed}"]
                for attack, figure in (("clean", auroc), (ATTACK, auroc), (ATTACK, distance)):
                    cells.append(f"{figure(mean(record, attack), truth(record)):.3f}")
                    own = record is base
                    cells.append("" if own else difference(record, base, attack, figure))
                cells += [f"{pixel(record, attack):.3f}" for attack in ("clean", "map-pgd")]
                print(f"| {' | '.join(cells)} |")


def mean(record: dict[str, Any], attack: str) -> NDArray[np.float64]:
    """(N,) scores, the mean over the draws."""
    scores: NDArray[np.float64] = np.asarray(record["scores"][attack]).mean(1)
    return scores


def pixel(record: dict[str, Any], attack: str) -> float:
    """Return the pixel AUROC."""
    rows = [r for r in record["rows"] if r["target"] == "pixel" and r["metric"] == "AUROC"]
    return next(float(r["mean"][0]) for r in rows if r["attack"] == attack)


def truth(record: dict[str, Any]) -> NDArray[np.bool_]:
    """(N,) which images are anomalous."""
    return np.asarray(record["labels"]) > 0


def difference(
    record: dict[str, Any],
    base: dict[str, Any],
    attack: str,
    figure: Callable[[NDArray[np.float64], NDArray[np.bool_]], float],
) -> str:
    """Return the difference of two figures of the same images with its interval."""
    a, b = mean(record, attack), mean(base, attack)

    def apart(images: NDArray[np.floating[Any]], labels: NDArray[np.bool_]) -> float:
        i = images.astype(int)
        return figure(a[i], labels) - figure(b[i], labels)

    value, low, high = bootstrap(apart, np.arange(len(a)), truth(record))
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_sets(parser, "hardsight")
    parser.add_argument("--only", nargs="*", help="variants; default: all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--eps", default="8/255")
    parser.add_argument("--limit", type=int, help="images attacked; default: all")
    parser.add_argument("--table", action="store_true", help="print what is recorded, as a table")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    given = parser.parse_args()
    if given.table:
        for name in given.names:
            table(name, given.seeds)
        return
    preset = load_preset(given.preset)
    source = root(given, preset)
    parts = ("rows", "notes", "labels", "scores")
    suites = [
        build_suite(ATTACK, "Linf", given.eps, "fast", objectives=("score", "mean"), fixed=False),
        build_suite("map-pgd", "Linf", given.eps, "fast", fixed=False),
    ]
    for name in given.names:
        folder = divided(source / name, given.runs / "data" / name)
        for seed in range(given.seeds):
            for label in given.only or VARIANTS:
                key = f"{name} | {label} | seed {seed}"
                if key in kept("ablation"):
                    continue
                changes = SHORT | VARIANTS[label]
                if changes.get("adversarial_training", 0) is None:
                    changes = {
                        k: v
                        for k, v in changes.items()
                        if not k.startswith("adversarial_training.")
                    }
                changes |= {"training.seed": seed, "data.path": str(folder)}
                config = changed(preset.updated(changes), given)
                run = start_run(place(given.runs, name, label, seed), config, resume=True)
                if not run.finished:
                    borrow(run, label, open_detector_run(place(given.runs, name, BASE, seed)))
                record = evaluated(run, suites, given.limit, parts, protocol=Protocol())
                keep("ablation", key, record)


if __name__ == "__main__":
    main()
