"""Fit PatchGuard on data sets by a plan, attack what comes out, keep the figures under results/.

    .venv/bin/python benchmarks/patchguard.py bottle --data ../shared/data/mvtec256
    .venv/bin/python benchmarks/patchguard.py bottle --data ... --plan regulariser --limit 32
    .venv/bin/python benchmarks/patchguard.py bottle --data ... --plan adversaries --minutes 20
    .venv/bin/python benchmarks/patchguard.py --textures brick --plan clean --threats L2:128/255

Runs are kept in runs/patchguard/; a second call goes on where the first was, and skips what is
recorded under the same settings. Image figures come from attacks on the score, pixel figures from
attacks on the map, and the published protocol stands beside them.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from patchguard_plans import SEEDS, plans
from patchguard_protocol import published_protocol
from scipy import stats
from sets import add_sets, changed, root

from hardsight.attacks import build_suite
from hardsight.cli.progress import told
from hardsight.config import Config, load_preset
from hardsight.evaluation import Execution, Protocol, Record, evaluate
from hardsight.evaluation.provenance import commit, device_name
from hardsight.reports import write_report
from hardsight.runs import SELECTION, DetectorRun, open_detector_run, start_run
from hardsight.training.logs import read

DEFAULT_SUITES = ("pgd", "map-pgd")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_sets(parser, "patchguard")
    parser.add_argument("--plan", default="main", choices=list(plans(12)))
    parser.add_argument("--only", nargs="*", help="labels of the plan; default: all")
    parser.add_argument("--seeds", type=int, help="how many; default: the plan's")
    parser.add_argument("--minutes", type=float, help="of training each, instead of equal steps")
    parser.add_argument("--threats", nargs="*", default=["Linf:8/255"], metavar="NORM:EPS")
    parser.add_argument("--suites", nargs="*", default=list(DEFAULT_SUITES))
    parser.add_argument("--steps", type=int, default=20, help="of each attack")
    parser.add_argument("--budget", default="fast")
    parser.add_argument("--protocol-steps", type=int, default=20, help="published: 1000; 0: off")
    parser.add_argument("--limit", type=int, help="test images, as many of each label")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=16, help="images attacked at a time")
    parser.add_argument("--runs", type=Path, default=Path("runs/patchguard"))
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def configure(config: Config, given: argparse.Namespace, label: str, seed: int) -> Config:
    """Return the preset with the plan's changes, then those of the command line."""
    depth = int(config.detector_settings["backbone"].get("depth", 12))
    changes = plans(depth)[given.plan][label] | {"training.seed": seed}
    return changed(config.updated(changes), given)


def seconds_per_step(config: Config, device: str) -> float:
    """Time a few steps of a training, the first left out, and all of a warm-up."""
    pilot = config.updated(
        {"training.steps": 4, "training.log_every": 1, "training.sample_every": None}
    ).updated({"selection": None, "recipe.warm_up": 0})
    with tempfile.TemporaryDirectory() as place:
        run = start_run(Path(place) / "pilot", pilot)
        run.fit(device)
        log = read(run.path / "training" / "train.jsonl")
    return (log[-1].seconds - log[0].seconds) / (len(log) - 1)


def measure(run: DetectorRun, given: argparse.Namespace) -> dict[str, Any]:
    """Evaluate a fitted run as the command line asks."""
    detector = run.detector(given.device)
    data = run.data()
    data = data.limited(given.limit, balanced=True) if given.limit else data
    threats = [t.split(":") for t in given.threats]
    if given.plan == "eps":
        threats = [["Linf", f"{run.config.recipe.adversary.eps * 255:g}/255"]]
    suites = [
        build_suite(name, norm, eps, given.budget, steps=given.steps)
        for norm, eps in threats
        for name in given.suites
    ]
    with told() as progress:
        result = evaluate(
            detector,
            data,
            suites,
            protocol=Protocol(1, batch_size=given.batch),  # deterministic: one draw says all
            execution=Execution(run.path / "evaluation" / "state", progress=progress),
            record=Record(provenance={"preset": run.config.preset, "run": run.path.name}),
        )
    write_report(result, run.path / "evaluation")
    log = read(run.path / "training" / "train.jsonl")
    selection = run.path / SELECTION
    found: dict[str, Any] = {
        "rows": [asdict(row) for row in result.rows],
        "training": {
            "steps": log[-1].step,
            "seconds": round(log[-1].seconds, 1),
            "loss curve": [[r.step, round(r.loss, 3)] for r in log[:: max(1, len(log) // 50)]],
        },
        "chosen on validation data": (
            json.loads(selection.read_text())["candidates"][0] if selection.exists() else None
        ),
        "test images": len(result.labels),
        "device": device_name(detector.device),
        "commit": commit(),
        "settings": run.config.model_dump(mode="json"),
    }
    if given.protocol_steps:
        found["published protocol"] = [
            published_protocol(detector, data, norm, eps, given.protocol_steps, given.batch)
            for norm, eps in threats
        ]
    if run.config.detector_settings["backbone"].get("name", "vit") in ("vit", "bigbird"):
        normals = data.test.images()[~data.test.labels][:16]
        found["attention degree of the last layer, of N"] = float(detector.degrees(normals).mean())
    return found


def figures(record: dict[str, Any]) -> dict[str, float]:
    """Return the AUROCs of a record by name."""
    found = {}
    for r in record["rows"]:
        if r["metric"] == "AUROC":
            threat = f" {r['norm']} {r['eps'] * 255:g}/255" if r["norm"] else ""
            found[f"{r['attack'].split()[0]}{threat} {r['target']}"] = float(r["mean"][0])
    for row in record.get("published protocol", []):
        name = f"published protocol {row['norm']} {row['eps']}"
        found |= {f"{name} image": row["image AUROC"][0], f"{name} pixel": row["pixel AUROC"]}
    degree = record.get("attention degree of the last layer, of N")
    return found | ({} if degree is None else {"attention degree": degree})


def summary(kept: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """Return mean and 95 % Student interval over seeds, and of the difference to the first label.

    Seeds are paired: the difference of two labels is taken seed by seed.
    """
    table: dict[str, dict[int, dict[str, float]]] = {}
    for key, record in kept.items():
        data, label, seed = key.split(" | ")
        if data == name:
            table.setdefault(label, {})[int(seed.removeprefix("seed "))] = figures(record)
    found: dict[str, Any] = {}
    first = next(iter(table.values()), {})
    for label, by_seed in table.items():
        common = sorted(by_seed.keys() & first.keys())
        found[label] = {}
        for metric in next(iter(by_seed.values())):
            own = [v[metric] for v in by_seed.values() if metric in v]
            apart = [
                by_seed[s][metric] - first[s][metric]
                for s in common
                if metric in by_seed[s] and metric in first[s]
            ]
            found[label][metric] = {"mean": interval(own), "minus the first": interval(apart)}
    return found


def interval(values: list[float]) -> list[float] | None:
    """Return mean, low and high of a 95 % Student interval; only the mean of a single value."""
    if not values:
        return None
    mean = float(np.mean(values))
    if len(values) == 1:
        return [mean]
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return [mean, mean - float(half), mean + float(half)]


def main() -> None:
    given = arguments()
    preset = load_preset(given.preset)
    folder = root(given, preset)
    seeds = given.seeds or SEEDS.get(given.plan, 1)
    target = given.results / f"patchguard_{given.plan}.json"
    kept = json.loads(target.read_text()) if target.exists() else {}
    labels = given.only or list(plans(12)[given.plan])
    asked = {
        k: v
        for k, v in vars(given).items()
        if k in ("threats", "suites", "steps", "budget", "protocol_steps", "limit", "minutes")
    }
    paces: dict[str, float] = {}
    for name in given.names:
        for seed in range(seeds):
            for label in labels:
                key = f"{name} | {label} | seed {seed}"
                config = configure(preset, given, label, seed).updated(
                    {"data.path": str(folder / name)}
                )
                if given.minutes:
                    paces[label] = paces.get(label) or seconds_per_step(config, given.device)
                    count = max(1, round(given.minutes * 60 / paces[label]))
                    config = config.updated({"training.steps": count})
                if kept.get("records", {}).get(key, {}).get("asked") == asked:
                    continue
                place = f"{name}-{label}-{seed}".replace(" ", "_").replace("/", "_")
                path = given.runs / given.plan / place
                if given.minutes and (path / "config.yaml").exists():
                    config = open_detector_run(path).config  # the pace differs a little each time
                run = start_run(path, config, resume=True)
                if not run.finished:
                    with told() as progress:
                        run.fit(given.device, progress=progress)
                record = measure(run, given) | {"asked": asked}
                kept.setdefault("records", {})[key] = record
                kept.setdefault("summary", {})[name] = summary(kept["records"], name)
                target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
                print(key, {k: round(v, 3) for k, v in figures(record).items()})


if __name__ == "__main__":
    main()
