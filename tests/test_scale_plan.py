"""The plans of docs/scale.md follow from the measurements that they name."""

import json
import math
import re
from pathlib import Path
from statistics import mean

import pytest

from hardsight.attacks import build_suite

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
TEXT = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
PER_SECOND, BUSY = 10_000_000 / 86_400, 0.7
CPU, GPU = 0.08, 4.0
"""Dollars an hour."""


def result(name):
    return json.loads((RESULTS / name).read_text())


def cells(name):
    """The cells of the row that begins so."""
    (row,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", TEXT, re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def fits():
    """Mean seconds of a fit, over methods, of all their categories."""
    by: dict[str, list[float]] = {}
    for name, entry in result("baselines.json").items():
        by.setdefault(name.partition(",")[0], []).append(entry["fit"]["fit_seconds"])
    return mean(map(mean, by.values())), len(by)


BASE, SCORING = result("baselines.json"), result("scoring.json")
GPU_FAST = result("gpu.json")["fast, fp32, batch 32"]
RATES = {
    "`patchcore`": BASE["patchcore, screw, seed 0"]["scoring"]["images a second"],
    "`glass`": BASE["glass, screw, seed 0"]["scoring"]["images a second"],
    "`advrad`, 2 draws": SCORING["advrad, 2 draws, images per second"],
    "`hardsight`, 2 draws": SCORING["hardsight, 2 draws, images per second"],
    "the paper's network, 1 draw": SCORING["paper, images per second"],
    "`advrad`, 2 draws, on a GPU": 32 / (2 * GPU_FAST["scoring of 32 ms"] / 1000),
}


@pytest.mark.parametrize("name", RATES)
def test_machines_for_ten_million_images_a_day(name):
    rate = RATES[name]
    machines = math.ceil(PER_SECOND / (BUSY * rate))
    price = GPU if "GPU" in name else CPU
    told = cells(name)
    assert told[0] == f"{rate:.1f}"
    assert told[2:] == [str(machines), f"${machines * 24 * price:.0f}"]


def test_certificates_of_all_of_them_are_out_of_reach():
    rate = result("certify-speed.json")["certified, images per second"]
    machines = PER_SECOND * 1000 / (BUSY * rate)
    assert f"{round(machines, -1):,.0f} machines" in TEXT


def test_hours_and_money_of_the_leaderboard():
    seconds, methods = fits()
    suites = result("suites.json")
    attack = mean(
        suites[c]["seconds an image"]["autoattack-rand"] for c in ("bottle", "screw", "toothbrush")
    )
    passes = build_suite("autoattack-rand").passes()
    measured = suites["bottle"]["passes"]["autoattack-rand"]
    minutes = float(result("audit_bottle.json")["provenance"]["time"].split()[0])
    hours = {
        "fit": 2 * seconds / 3600,
        "attack, 2 x 115 images": 2 * 115 * attack * passes / measured / 3600,
        "audit, quick": minutes / 60,
    }
    total = sum(hours.values())
    for name, each in hours.items():
        told = cells(name)
        assert (told[0], told[2]) == (f"{each:.2f}", f"{10_000 * each:,.0f}")
        assert told[3] == f"{each / total:.0%}".replace("%", " %")
    assert cells("all")[0] == f"{total:.2f}"
    assert cells("all")[2] == f"{10_000 * total:,.0f}"
    assert f"mean of {methods} methods" in TEXT
    on_cpus = 10_000 * total / (200 * BUSY)
    assert cells("100 machines of two cores") == [
        f"{on_cpus:.0f}, two weeks",
        f"${on_cpus * 100 * CPU:,.0f}",
    ]
    an_image = GPU_FAST["training step ms"] / 32 / 1000 * passes
    on_gpus = 10_000 * 2 * 115 * an_image / 3600 / (10 * BUSY)
    assert cells("10 GPUs, attacks alone") == [
        f"{on_gpus:.0f}, two days",
        f"${on_gpus * 10 * GPU:,.0f}",
    ]
    few = 150 * total
    hours, money = few / 200 / BUSY, few / 2 / BUSY * CPU
    told = f"{few:,.0f} core-hours, {hours:.0f} hours of 100 machines, ${money:.0f}"
    assert told in " ".join(TEXT.split())


def test_the_full_budget_is_for_few():
    full, fast = (build_suite("autoattack-rand", budget=b).passes() for b in ("full", "fast"))
    assert f"{full:,} passes an image" in TEXT
    assert f"place of {fast}:" in " ".join(TEXT.split())
