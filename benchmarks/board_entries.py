"""Read results/ as entries of the leaderboard: baselines, `advrad`, `hardsight`, anomalib's models.

.venv/bin/python benchmarks/board_entries.py --output board
.venv/bin/hardsight leaderboard board -o site
"""

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from figures import kept
from own_records import counted, own

from hardsight.benchmark import Entry
from hardsight.benchmark.entry import SUFFIX
from hardsight.benchmark.job import slug
from hardsight.core.words import fraction_of_255
from hardsight.data import published_sets
from hardsight.evaluation.wording import radius

NOTES = {
    "mvtec_ad": "resized to 256 x 256",
    "mpdd": "resized to 256 x 256 from a copy already shrunk to 512 x 512",
    "kolektor_sdd": "squeezed to 256 x 256, own split by item",
}
ANOMALIB = "anomalib_models"
"""Results of anomalib's own models, in the form of the baselines."""
TOOTHBRUSH = "; the good test images are every fifth training image"


def entries(found: Mapping[str, Mapping[str, Any]]) -> Iterator[Entry]:
    """Yield an entry for every method, category, seed and ball.

    Args:
        found: key -> stages, as ``baselines`` keeps them.
    """
    for key, stages in found.items():
        label, category, seed = key.rsplit(", ", 2)
        balls = {
            (row["norm"], row["eps"]): None
            for stage in stages.values()
            for row in (stage or {}).get("rows", ())
            if row["norm"]
        }
        for norm, eps in balls:
            yield _entry(label, category, int(seed.removeprefix("seed ")), stages, (norm, eps))


def _entry(
    label: str, category: str, seed: int, stages: Mapping[str, Any], ball: tuple[str, float]
) -> Entry:
    fit, made = stages["fit"], stages["fit"]["provenance"]
    attacked = [
        row
        for stage in stages.values()
        for row in (stage or {}).get("rows", ())
        if (row["norm"], row["eps"]) == ball
    ]
    data = category_of(category)
    counts = counted(made["data"])
    audits = (stage for name, stage in stages.items() if name.partition(", ")[0] == "audit")
    audit = next((one for one in audits if one["radius"] == radius(*ball)), None)
    images = next(int(n) for s in stages if (n := _images(s)))
    threat = {
        "norm": ball[0],
        "eps": fraction_of_255(ball[1]) if ball[0] == "Linf" else str(ball[1]),
    }
    return Entry.model_validate(
        {
            "method": label,
            **_built(label, fit),
            "paper": fit["paper"],
            "random": fit["random"],
            "backbone": fit["backbone"],
            "weights": fit["weights"],
            "checkpoints": fit.get("checkpoints", {}),
            "data": {
                "name": data,
                "category": category,
                "split_sha256": made["split (SHA-256)"],
                "test_images": sum(counts),
                "anomalous": counts[1],
                "note": NOTES.get(data, "")
                + TOOTHBRUSH * (category == "toothbrush")
                + fit.get("note", ""),
            },
            "seed": seed,
            "threat": threat | {"suites": list(dict.fromkeys(row["attack"] for row in attacked))},
            "how": {
                "images": images,
                "effort": fit.get("effort", {}),
                "audit": None if audit is None else "quick",
            },
            "clean": stages["clean"]["rows"],
            "attacked": attacked,
            "audit": None if audit is None else _audit(audit, ball),
            "made": {
                "hardsight": made["hardsight"],
                "torch": made["torch"],
                "hardware": made["device"],
                "precision": fit["scoring_precision"]["name"],
                "fit_seconds": fit["fit_seconds"],
            },
        }
    )


def _built(label: str, fit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a method is: a preset and its changes, or another library's model."""
    if "model" in fit:
        return {"preset": "", "settings": fit["settings"], "notes": [fit["model"]]}
    preset, _, settings = label.partition(" ")
    return {
        "preset": preset,
        "settings": dict(pair.split("=", 1) for pair in settings.split())
        | dict(fit.get("settings", {})),
    }


def _audit(audit: Mapping[str, Any], ball: tuple[str, float]) -> dict[str, Any]:
    failed = [name for name, verdict in audit["checks"].items() if verdict == "fail"]
    return {
        "verdict": audit["verdict"],
        "headline": audit["headline"],
        "stamp": [f"unreliable: {name}" for name in failed],
        "norm": ball[0],
        "eps": ball[1],
        "budget": audit["made"]["budget"],
    }


def _images(stage: str) -> str:
    """Return the number of attacked images in a stage's name; empty: it is no attack's."""
    found = re.search(r", (\d+) images, ", stage)
    return found[1] if found else ""


def category_of(category: str) -> str:
    """Return the published data set that a category is of."""
    sets = (name for name, one in published_sets().items() if category in one.categories)
    return next(sets, "kolektor_sdd" if category == "kolektorsdd" else "own")


def measured() -> dict[str, dict[str, Any]]:
    """Return the stages of all methods that are on the board: key -> stages."""
    baselines = kept("baselines")
    return baselines | own(baselines) | kept(ANOMALIB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("board"))
    given = parser.parse_args()
    for entry in entries(measured()):
        entry.write(given.output / f"{slug(entry.id)}{SUFFIX}")


if __name__ == "__main__":
    main()
