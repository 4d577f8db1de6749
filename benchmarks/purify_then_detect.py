"""Measure a detector behind a purifier against its depth t*: does it erase attacks, or defects?

    .venv/bin/python benchmarks/purify_then_detect.py runs/baselines/patchcore/bottle-0 \
        --denoiser photographs --depths 25 50 100 200

Clean AUROC on all test images, and under EOT-PGD on a part of them, for every t* and for none;
every depth is kept in results/purify_then_detect.json as soon as it is done, and a second call
makes those that are missing. The figure beside it has both curves, and one defect as the detector
sees it behind each purifier.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from evaluated import measured
from figures import RESULTS, keep, kept
from torch import Tensor

from hardsight.attacks import Suite, build_suite
from hardsight.data import AnomalyData
from hardsight.detectors import Detector
from hardsight.detectors.adapters.purification import Purification
from hardsight.detectors.advrad.start import Start
from hardsight.evaluation import Protocol
from hardsight.evaluation.provenance import made_with
from hardsight.reports.canvas import add_legend, label_axes, panels
from hardsight.runs import DetectorRun, open_detector_run

COLOURS = {"clean": "tab:blue", "attacked": "tab:red"}
PICTURE = 1.2
"""Side in inches of a purified image in the figure."""


@dataclass(frozen=True)
class Attacked:
    """How the detector is attacked.

    Args:
        suite: by what.
        images: of the test set, half of them anomalous.
        protocol: of clean and attacked figures.
    """

    suite: Suite
    images: int
    protocol: Protocol


def figures_at(
    run: DetectorRun, detector: Detector, data: AnomalyData, attacked: Attacked
) -> dict[str, Any]:
    """Return the AUROC of a detector with its interval, clean and attacked."""
    protocol = attacked.protocol
    clean = measured(run, detector, data, protocol=protocol).rows[0]
    part = data.limited(attacked.images, balanced=True)
    rows = measured(run, detector, part, [attacked.suite], protocol=protocol).rows
    worst = next(row for row in rows if row.norm and row.target == "image")
    return {
        "clean": clean.mean,
        "attacked": worst.mean,
        "attack": worst.budget.attacks,
        "images": {"clean": len(data.test), "attacked": len(part.test)},
        "detector": f"{type(detector).__name__} {detector.settings}",
        "flags": worst.flags,
        **made_with(detector.device, protocol.seed),
    }


@torch.no_grad()
def defect_behind(
    behind: Purification, detector: Detector, data: AnomalyData, depth: int, seed: int
) -> Tensor:
    """Return the first defect (3, H, W) as the detector sees it behind the purifier."""
    index = next(i for i, sample in enumerate(data.test.samples) if sample.anomalous)
    x = detector.prepare(data.test.of([data.test.samples[index]]).images())
    if not depth:
        return x[0]
    purifier = behind.purifier(depth)
    noise = purifier.sample_noise(x, torch.Generator(x.device).manual_seed(seed))
    return purifier(x, noise)[0].clamp(0, 1)


def draw(points: Mapping[int, Mapping[str, Any]], seen: Mapping[int, Tensor], path: Path) -> None:
    """Draw AUROC against t* with its intervals, and the defect below each t*.

    Args:
        points: t* -> clean and attacked (value, low, high).
        seen: t* -> the defect (3, H, W) behind the purifier.
        path: of the PNG.
    """
    depths = sorted(points)
    figure, (curves, pictures) = panels(PICTURE * len(depths) + 0.8, 2.8 + PICTURE, rows=2)
    curves.get_subplotspec().get_gridspec().set_height_ratios((2.6, PICTURE))
    at = range(len(depths))
    for name, colour in COLOURS.items():
        value, low, high = zip(*(points[depth][name] for depth in depths), strict=True)
        curves.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
        curves.plot(at, value, color=colour, marker="o", linewidth=2.0, label=name)
    curves.set(ylim=(-0.02, 1.02))
    label_axes(curves, y="AUROC")
    add_legend(curves)
    for i, depth in zip(at, depths, strict=True):
        shown = seen[depth].permute(1, 2, 0).cpu().numpy()
        pictures.imshow(shown, extent=(i - 0.47, i + 0.47, 0, 1), aspect="auto")
    pictures.set(xlim=(-0.5, len(depths) - 0.5), ylim=(0, 1))
    pictures.set_xticks(at, [str(depth) if depth else "none" for depth in depths])
    pictures.set_yticks([])
    pictures.grid(visible=False)
    label_axes(pictures, "depth of the purifier, t*")
    figure.savefig(path, dpi=120, facecolor="white")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="finished run of the detector")
    parser.add_argument("--denoiser", default="photographs", help="run of advrad, or a start")
    parser.add_argument("--form", choices=("one-shot", "ddim"), default="one-shot")
    parser.add_argument("--skip", type=int, default=25, help="between two steps of DDIM")
    parser.add_argument("--depths", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--suite", default="eot-pgd")
    parser.add_argument("--norm", default="Linf")
    parser.add_argument("--eps", default="2/255")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--images", type=int, default=24, help="that are attacked")
    parser.add_argument("--fresh-draws", type=int, default=10)
    parser.add_argument("--results", default="purify_then_detect")
    given = parser.parse_args()
    run = open_detector_run(given.run)
    detector, data = run.tested()
    denoiser = Start.read(given.denoiser).trained(detector.image_size).to(detector.device)
    behind = Purification(denoiser, given.form, given.skip)
    own = {"steps": given.steps, "fixed": False}
    suite = build_suite(given.suite, given.norm, given.eps, **own)
    attacked = Attacked(suite, given.images, Protocol(given.fresh_draws, gallery=0))
    place = given.run.resolve()
    key = f"{place.parent.name}, {place.name}, {given.form} by {Path(given.denoiser).name}"
    points: dict[str, Any] = kept(given.results).get(key, {})
    for depth in (0, *given.depths):
        if str(depth) not in points:
            points[str(depth)] = figures_at(run, behind.before(detector, depth), data, attacked)
            keep(given.results, key, points)
        found = points[str(depth)]
        print(f"t* {depth:<5} {found['clean'][0]:.3f} {found['attacked'][0]:.3f}")
    depths = [int(depth) for depth in points]
    seen = {d: defect_behind(behind, detector, data, d, attacked.protocol.seed) for d in depths}
    name = f"{given.results}_{key}".replace(", ", "_").replace(" ", "_")
    draw({d: points[str(d)] for d in depths}, seen, RESULTS / f"{name}.png")


if __name__ == "__main__":
    main()
