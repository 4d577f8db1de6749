"""What resolution brings: whole pictures, smaller ones, tiles, both; results/resolution.json.

    .venv/bin/python benchmarks/resolution.py --data ../shared/data/mvtec256 toothbrush grid

A detector of preset `hardsight` (or another) is fitted to pictures as they are, to pictures of half
the side, to tiles of that side of pictures as they are, and to tiles and smaller pictures at once.
Attacked are the same test images, each at the resolution that the detector is given. A second call
goes on where the first was; runs are kept in runs/resolution/.
"""

import argparse
from pathlib import Path
from typing import Any

from evaluated import evaluated
from figures import keep
from sets import add_sets, changed, root

from hardsight.attacks import build_suite
from hardsight.config import load_preset
from hardsight.evaluation import Protocol
from hardsight.runs import start_run

RADII = {"8/255": ("autoattack-rand", "map-pgd"), "2/255": ("autoattack-rand",)}


def variants(size: int) -> dict[str, dict[str, Any]]:
    """Return settings by what is compared, for pictures of ``size`` x ``size`` pixels."""
    half = size // 2
    return {
        f"whole, {size}": {},
        f"whole, {half}": {"detector.image_size": half},
        f"tiles of {half}": {"detector.tile": half},
        "two scales": {"detector.tile": half, "detector.two_scales": True},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_sets(parser, "hardsight")
    parser.add_argument("--variants", nargs="*", help="of those compared; default: all")
    parser.add_argument("--limit", type=int, default=24, help="test images that are attacked")
    parser.add_argument("--runs", type=Path, default=Path("runs/resolution"))
    parser.add_argument("--results", default="resolution")
    given = parser.parse_args()
    config = changed(load_preset(given.preset), given)
    known = variants(config.detector_settings["image_size"])
    if unknown := set(given.variants or ()) - set(known):
        raise SystemExit(f"--variants {', '.join(unknown)}: choose from {', '.join(known)}")
    place = root(given, config)
    for name in given.names:
        for variant in given.variants or known:
            own = config.updated(known[variant] | {"data.path": str(place / name)})
            run = start_run(given.runs / f"{name}, {variant}", own, resume=True)
            for eps, suites in RADII.items():
                attacks = [build_suite(suite, "Linf", eps, "fast") for suite in suites]
                record = evaluated(
                    run, attacks, given.limit, ("rows",), protocol=Protocol(curve=())
                )
                keep(given.results, f"{name}, {variant}, {eps}", record)


if __name__ == "__main__":
    main()
