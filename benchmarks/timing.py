"""Interleaved timing: on a noisy machine only ratios taken in the same run mean anything."""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from figures import write

from hardsight.core.memory import keep_memory
from hardsight.evaluation.provenance import commit, device_name


def interleaved(cases: dict[str, Callable[[], object]], rounds: int = 9) -> dict[str, float]:
    """Median seconds of each case over rounds in which all take turns; one warm-up round before."""
    keep_memory()  # as the command line does
    times: dict[str, list[float]] = {name: [] for name in cases}
    for r in range(rounds + 1):
        for name, case in cases.items():
            begun = time.perf_counter()
            case()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if r:
                times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(t) for name, t in times.items()}


def parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that the timings share, to be added to."""
    shared = argparse.ArgumentParser(description=description)
    shared.add_argument("--rounds", type=int, default=9)
    shared.add_argument("--batch", type=int, default=8)
    return shared


def record(name: str, figures: dict[str, object], device: torch.device) -> None:
    """Print the figures and keep them under benchmarks/results/."""
    result = figures | {
        "device": device_name(device),
        "commit": commit(),
        "torch": torch.__version__,
    }
    write(name, result)
    for key, value in result.items():
        print(f"{key:<45} {value:.4g}" if isinstance(value, float) else f"{key:<45} {value}")
