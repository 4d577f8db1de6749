"""Two workers of one thread against one, on `score` and on `benchmark`.

.venv/bin/python benchmarks/scale.py [--images 400] [--jobs 8] [--rounds 3] [--size 256]

`score`: images of an embedded photograph through a run of preset patchcore, in batches of 8, from
when every worker has finished its first two on. `benchmark`: the methods of the plan smoke in so
many jobs, each a fit, and attacks under two threats. One worker and two take turns; their processes
are begun before. Two cores must have nothing else to do: the load before is in the result.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import torch
from timing import record

from hardsight.benchmark import Places, Plan, Workers, carry_out
from hardsight.cli.rows import Reader
from hardsight.cli.sharing import Scoring
from hardsight.config import load_preset
from hardsight.core.engine import Engine
from hardsight.core.machine import instruction_sets, processor
from hardsight.core.threads import usable_cpus
from hardsight.data import iter_images
from hardsight.data.textures import write_textures
from hardsight.runs import open_detector_run, start_run
from hardsight.scale.alike import alike
from hardsight.scale.pool import Pool
from hardsight.scale.processes import Processes

BATCH, FIRST = 8, 2
"""Images of a batch; batches of each worker before it is timed."""


def fitted(folder: Path, size: int) -> tuple[Path, Path]:
    """A run on an embedded photograph, and its data set."""
    data = write_textures(folder / "data", ("brick",), size) / "brick"
    changes = {"data.path": str(data), "detector.image_size": size}
    run = start_run(folder / "run", load_preset("patchcore").updated(changes))
    run.fit("cpu")
    return run.path, data


def score_rate(engine: Engine, scoring: Scoring, data: Path, images: int) -> float:
    """Images a second."""
    found = scoring.rows(engine, islice(cycle(iter_images(data / "test")), images))
    for _ in range(FIRST * engine.workers):
        next(found)
    begun = time.perf_counter()
    return sum(len(rows) for rows, _ in found) / (time.perf_counter() - begun)


def job_rate(engine: Engine, jobs: int) -> float:
    """Jobs a second."""
    smoke = Plan.read("smoke")
    plan = smoke.model_copy(update={"seeds": tuple(range(-(-jobs // len(smoke.methods))))})
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = carry_out(plan, Places(Path(folder), Path()), Workers(engine, ("cpu",)), unwatched)
        took = time.perf_counter() - begun
    if done.failed:
        raise SystemExit(f"not measured: {done.failed}")
    return len(done.finished) / took


def unwatched(*_: object) -> None:
    """Nobody is told."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=256)
    given = parser.parse_args()
    figures: dict[str, object] = {
        "CPU": processor(),
        "instruction sets": ", ".join(instruction_sets()),
        "CPUs": usable_cpus(),
        "load of the last minute, before": os.getloadavg()[0],
        **{name: getattr(given, name) for name in ("images", "jobs", "rounds", "size")},
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        Pool(Processes(1), alike) as one,
        Pool(Processes(2), alike) as two,
    ):
        run, data = fitted(Path(folder), given.size)
        reader = Reader.of(open_detector_run(run).deciding("cpu"), BATCH, None)
        scoring = Scoring(run, None, "cpu", None, None, reader)
        rates: dict[str, Callable[[Engine], float]] = {
            "score, images": lambda engine: score_rate(engine, scoring, data, given.images),
            "benchmark, jobs": lambda engine: job_rate(engine, given.jobs),
        }
        for name, rate in rates.items():
            for engine in (one, two):
                rate(engine)  # to warm up
            found = [(rate(one), rate(two)) for _ in range(given.rounds)]
            alone, both = (statistics.median(r) for r in zip(*found, strict=True))
            figures[f"{name} a second, one worker"] = alone
            figures[f"{name} a second, two workers"] = both
            figures[f"{name}, two workers / one, rate"] = both / alone
    record("scale", figures, torch.device("cpu"))


if __name__ == "__main__":
    main()
