"""Read the records of own detectors, as ``datasets`` keeps them, in the form of the baselines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from figures import RESULTS, kept
from staged import audited

from hardsight.attacks.balls import BALLS
from hardsight.audit import Audit
from hardsight.config import load_preset
from hardsight.core.words import fraction_of_255
from hardsight.detectors.methods import METHODS
from hardsight.evaluation.published import published_auroc


class Own(NamedTuple):
    """Records of own detectors, as ``datasets`` keeps them, that are entries of one method."""

    result: str
    """Name of their file."""
    keys: str
    """Regular expression of theirs in it."""
    method: str
    """What the board calls it: a preset, and by what it differs from it."""
    settings: Mapping[str, Any] = {}
    """Changes of the preset that make no method of its own."""


FIRST_WEIGHTS = {"start": "none"}
"""Of fits of `advrad` from before it began from photographs."""
OWN = (
    Own("hardsight", ".*", "hardsight"),
    Own("hardsight_2", ".*", "hardsight"),
    Own("start_whole", ".* photographs, .*", "hardsight start=photographs"),
    Own("datasets", "(bottle|toothbrush|screw).*", "advrad", FIRST_WEIGHTS),
    Own("datasets", "grid.*", "advrad"),
    Own("progressive", "advrad, .*", "advrad progressive=0.8"),
    Own("advrad_equal", "toothbrush.*", "advrad training.steps=7000", FIRST_WEIGHTS),
)
"""Without `bottle` of ``advrad_equal``, of which no figure of all test images was kept."""
PART = "; the hash is of the split with the attacked test images alone"


def own(baselines: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the figures of ``OWN`` in the form of ``baselines``: key -> stages.

    Args:
        baselines: which know how many test images a category has.
    """
    audits = [Audit.read(path) for path in sorted(RESULTS.glob("audit_*.json"))]
    data = (one["fit"]["provenance"]["data"] for one in baselines.values())
    counts = {text.partition(":")[0]: text for text in data}
    records = [(one, key, record) for one in OWN for key, record in _records(one)]
    wholes = {
        made["weights"]: record
        for _, _, record in records
        if counted((made := record["provenance"])["data"]) == counted(counts[_category(made)])
    }
    found: dict[str, dict[str, Any]] = {}
    for one, key, record in records:
        made, attacked = record["provenance"], [row for row in record["rows"] if row["norm"]]
        if not attacked:
            continue
        category, whole = _category(made), wholes.get(made["weights"])
        paper = METHODS[load_preset(made["preset"]).method].detector.paper
        seed = re.search(r"seed (\d+)", key)
        stages = found.setdefault(f"{one.method}, {category}, seed {seed[1] if seed else 0}", {})
        stages["fit"] = _fit(one, record) | {
            "paper": paper,
            "note": "" if whole else PART,
            "provenance": made
            | {
                "data": counts[category],
                "split (SHA-256)": (whole or record)["provenance"]["split (SHA-256)"],
            },
        }
        clean = whole["rows"] if whole else record["clean, all test images"]
        stages["clean"] = {
            "rows": [_beside(row, paper, category) for row in clean if not row["norm"]]
        }
        for one_audit in (audited(audit) for audit in audits if audit.weights == made["weights"]):
            stages[f"audit, {one_audit['radius']}"] = one_audit
        eps, images = fraction_of_255(attacked[0]["eps"]), sum(counted(made["data"]))
        budget = attacked[0]["budget"]["name"]
        stages[f"attacks, L-inf {eps}, {images} images, {budget}"] = {
            "rows": [_beside(row, paper, category) for row in attacked]
        }
    return found


def counted(data: str) -> list[int]:
    """Return how many test images are normal and anomalous."""
    return [int(n) for n in re.findall(r"(\d+) (?:normal|anomalous)", data)]


def _records(one: Own) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the records of a file, those of one fit beside each other or in one: key -> record."""
    for key, kept_there in kept(one.result).items():
        if re.fullmatch(one.keys, key):
            for part in (kept_there, *kept_there.values()):
                if isinstance(part, Mapping) and "rows" in part:
                    yield key, {**kept_there, **part}


def _category(made: Mapping[str, Any]) -> str:
    return str(made["data"]).partition(":")[0]


def _fit(one: Own, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says of a fit."""
    return {
        "fit_seconds": _fit_seconds(record),
        "scoring_precision": {"name": _precision(record)},
        "weights": record["provenance"]["weights"],
        "backbone": None,
        "random": any(row["worst"] for row in record["rows"]),
        "settings": one.settings,
        "effort": _effort(record["rows"]),
    }


def _fit_seconds(record: Mapping[str, Any]) -> float:
    if "fit" in record:
        return float(record["fit"]["fit_seconds"])
    training = record["training"]
    parts = [training] if "seconds" in training else training.values()
    return float(sum(part["seconds"] for part in parts))


def _precision(record: Mapping[str, Any]) -> str:
    """Return in what was scored; an older record says so among the detector's settings alone."""
    made = record["provenance"]
    if "fit" in record:
        return str(record["fit"]["scoring_precision"]["name"])
    if "precision" in made:
        return str(made["precision"]).partition(":")[0]
    found = re.search(r"'precision': '(\w+)'", made["detector"])
    if found is None:
        raise ValueError(f"no precision in {made['detector']}")
    return found[1]


def _effort(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return in what the attacks of the score differ from those of the budget."""
    said = [
        row["budget"]["attacks"]
        for row in rows
        if row["norm"] and (row["target"], row["budget"]["name"]) == ("image", "own")
    ]
    return {"objectives": said[-1].rpartition(" on ")[2].split(", ")} if said else {}


def _beside(row: Mapping[str, Any], paper: str | None, category: str) -> Mapping[str, Any]:
    """Return a row with the published figure, and where it stands, which older ones leave out."""
    ball = BALLS[row["norm"]](row["eps"]) if row["norm"] else None
    known = published_auroc(paper, category, row["attack"], ball, row["target"])
    if known is None or row["metric"] != "AUROC":
        return row
    return {**row, "published": known.value, "place": known.place}
