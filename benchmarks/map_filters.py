"""What a filter of the map alone does to localisation, on validation evidence and on test images.

    .venv/bin/python benchmarks/map_filters.py runs/benchmark/bottle runs/benchmark/toothbrush

The way to score stays that of the run, and nothing is attacked. What is called chosen is best on
validation evidence; a fit with a selection looks at attacked maps too.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from figures import keep
from torch import Generator

from hardsight.data import AnomalyData
from hardsight.detectors import AdvRAD, Selection
from hardsight.detectors.advrad.choice import by_side
from hardsight.detectors.held_out import shares
from hardsight.evaluation.provenance import commit
from hardsight.runs import open_detector_run


def localisation(detector: AdvRAD, data: AnomalyData) -> list[dict[str, Any]]:
    """Return the pixel AUROC by the side of the filter; the detector's own is switched off."""
    settings = Selection()
    choosing, _ = shares(data.validation.images(), True)
    evidence = settings.evidence(choosing, 0)
    known = {
        "validation": (evidence.images, evidence.masks),
        "test": (data.test.images(), torch.from_numpy(data.test.masks())),
    }
    sides = settings.map_filter_sizes
    detector = detector.with_scoring(replace(detector.scoring, map_filter_size=1))
    found = {
        part: by_side(detector, *shown, sides, Generator(detector.device).manual_seed(0))
        for part, shown in known.items()
    }
    return [
        {"side": side} | {part: values[side] for part, values in found.items()} for side in sides
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    for path in parser.parse_args().runs:
        run = open_detector_run(path)
        detector, data = run.detector(), run.data()
        rows = localisation(detector, data)
        chosen = max(rows, key=lambda row: row["validation"])
        key = f"{data.name}, {run.config.preset}"
        keep("map_filters", key, {"chosen": chosen, "rows": rows, "commit": commit()})
        print(key, *rows, f"chosen: {chosen['side']}", sep="\n  ")


if __name__ == "__main__":
    main()
