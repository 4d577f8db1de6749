"""What other machines see: AVX2, AVX-512 and this CPU, float32 and bfloat16, a busy neighbour.

.venv/bin/python benchmarks/machines.py [--rounds 5] [--size 256]

One training step, one scoring pass and one attack step of the fast denoiser at the sizes of preset
`advrad`, each setting in a process of its own; what is slow beyond measure is timed once. Then
training steps alone and beside a program that never rests, on two CPUs, with threads that sleep
while they wait, as the command line has them, and with threads that spin. Only the ratios mean
something on another machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from scoring import build
from timing import record

from hardsight.attacks import PGD, Linf, ScoreObjective, frozen
from hardsight.config import load_preset
from hardsight.core.machine import instruction_sets, processor
from hardsight.core.memory import keep_memory
from hardsight.core.precision import resolve
from hardsight.core.threads import share_cpus

MACHINES = {
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "AVX-512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "this CPU": {},
}
WAITING = {"asleep": "PASSIVE", "spinning": "ACTIVE"}
CPU = torch.device("cpu")
SLOW, TURN = 5.0, 6.0
"""Seconds: what takes longer is not repeated; how long a turn beside the neighbour takes."""
NEIGHBOUR = "while True: pass"


def work(precision: str, size: int) -> dict[str, Callable[[], object]]:
    """A training step, a scoring pass and an attack step in a precision."""
    config = load_preset("advrad")
    detector = build("advrad", CPU, draws=1, image_size=size, precision=precision)
    optimizer = torch.optim.AdamW(detector.denoiser.parameters(), config.training.lr)
    x, generator = torch.rand(config.training.batch_size, 3, size, size), torch.Generator()
    labels = torch.arange(len(x)) % 2 == 0
    low = resolve(precision, CPU).low  # type: ignore[arg-type]

    def train() -> None:
        optimizer.zero_grad()
        noise = detector.denoiser.draw(x.shape, generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = detector.denoiser.training_loss(2 * x - 1, noise).mean()
        loss.backward()
        optimizer.step()

    def score() -> None:
        with torch.no_grad():
            detector(x, detector.sample_noise(x, generator))

    def attack() -> None:
        with frozen(detector):
            PGD(Linf(2 / 255), 1).last(ScoreObjective(detector, labels), x, generator)

    return {"training step": train, "scoring pass": score, "attack step": attack}


def seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def measured(rounds: int, size: int) -> dict[str, float]:
    """Median seconds of each step in both precisions, which take turns."""
    keep_memory()
    steps = {
        f"{name}, {precision}": step
        for precision in ("fp32", "bf16")
        for name, step in work(precision, size).items()
    }
    first = {name: seconds(step) for name, step in steps.items()}  # to warm up
    times = {name: [t] if t > SLOW else [] for name, t in first.items()}
    for _ in range(rounds):
        for name, step in steps.items():
            if first[name] <= SLOW:
                times[name].append(seconds(step))
    return {name: statistics.median(t) for name, t in times.items()}


def shared(rounds: int, size: int) -> float:
    """Rate of training steps beside a busy neighbour over that alone; turns of a few seconds."""
    train = work("auto", size)["training step"]
    train()
    rates: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for busy, found in rates.items():
            command = [sys.executable, "-c", NEIGHBOUR]
            neighbour = subprocess.Popen(command) if busy else None
            begun, done = time.perf_counter(), 0
            while time.perf_counter() - begun < TURN:
                train()
                done += 1
            found.append(done / (time.perf_counter() - begun))
            if neighbour:
                neighbour.kill()
                neighbour.wait()
    return statistics.median(rates[True]) / statistics.median(rates[False])


def elsewhere(part: str, given: argparse.Namespace, environment: dict[str, str]) -> object:
    """What a part finds in a process of its own, under other variables of the environment."""
    found = dict(environment)
    share_cpus(found)
    command = [sys.executable, __file__, "--part", part]
    command += ["--rounds", str(given.rounds), "--size", str(given.size)]
    done = subprocess.run(command, env=found, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--size", type=int, default=256)
    arguments.add_argument("--part", choices=["measured", "shared", "auto"])
    given = arguments.parse_args()
    parts: dict[str, Callable[[], object]] = {
        "measured": lambda: measured(given.rounds, given.size),
        "shared": lambda: shared(given.rounds, given.size),
        "auto": lambda: resolve("auto", CPU)._asdict(),
    }
    if given.part:
        if given.part == "shared" and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
        print(json.dumps(parts[given.part]()))
        return
    figures: dict[str, object] = {
        "CPU": processor(),
        "instruction sets": ", ".join(instruction_sets()),
        "image size": given.size,
    }
    for name, variables in MACHINES.items():
        took = elsewhere("measured", given, dict(os.environ) | variables)
        taken = elsewhere("auto", given, dict(os.environ) | variables)
        assert isinstance(took, dict)
        assert isinstance(taken, dict)
        figures[f"{name}, precision auto takes"] = f"{taken['name']}: {taken['why']}"
        figures |= {f"{name}, {what}, seconds": value for what, value in took.items()}
        for step in ("training step", "scoring pass", "attack step"):
            ratio = took[f"{step}, bf16"] / took[f"{step}, fp32"]
            figures[f"{name}, {step}, bf16 / fp32, time"] = ratio
    for name, policy in WAITING.items():
        ratio = elsewhere("shared", given, dict(os.environ) | {"OMP_WAIT_POLICY": policy})
        figures[f"threads wait {name}, beside a busy neighbour / alone, rate"] = ratio
    record("machines", figures, CPU)


if __name__ == "__main__":
    main()
