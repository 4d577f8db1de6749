"""Training for so many minutes or steps, resumably."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hardsight.cli.progress import told
from hardsight.core.precision import autocast
from hardsight.training import Settings, Task, train
from hardsight.training.logs import Record
from hardsight.training.loop import step_seed

CURVE = "curve.jsonl"
PILOT = 4  # steps timed, after one to warm up


Watch = Callable[[int, nn.Module], None]
"""Told of a step that is done and of the module as it is trained."""


def trained(
    make: Callable[[], Task],
    how: dict[str, Any],
    minutes: float,
    folder: Path,
    watch: Watch | None = None,
) -> Task:
    """Train the task that ``make`` returns for about so many minutes, or take it up where it was.

    The number of steps is measured before the first of them, and kept: a second call trains on.
    """
    plan = folder / "plan.json"
    if not plan.exists():
        seconds = _seconds_a_step(make(), how["batch_size"], how["precision"])
        steps = max(2, round(60 * minutes / seconds))
        folder.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps({"steps": steps, "seconds a step": seconds}) + "\n")
    steps = json.loads(plan.read_text())["steps"]
    return trained_for(make(), how | {"steps": steps}, folder, watch)


def trained_for(
    task: Task, how: dict[str, Any], folder: Path, watch: Watch | None = None, times: int = 20
) -> Task:
    """Train a task for ``how["steps"]`` steps, or take it up where it was, and tell so many times.

    A checkpoint is written where ``watch`` is told, and the module is in eval mode at the end.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
    """
    steps = how["steps"]
    every = max(1, steps // times)

    def told_of(record: Record) -> None:
        progress(folder.name, record.step, steps, f"loss {record.loss:.3f}")
        if watch is not None and record.step % every == 0:
            watch(record.step, task.module)

    with told() as progress:
        settings = Settings(**({"checkpoint_every": every} | how))
        if train(task, settings, folder, resume=True, on_step=told_of).interrupted:
            raise KeyboardInterrupt
    task.module.eval()
    return task


def note(folder: Path, step: int, figures: dict[str, float]) -> None:
    """Add what was measured at a step of a training to its curve."""
    with (folder / CURVE).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step} | figures) + "\n")


def curve(folder: Path) -> list[dict[str, float]]:
    """Return what ``note`` wrote, the last of each step."""
    path = folder / CURVE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return list({row["step"]: row for row in map(json.loads, lines)}.values())


def _seconds_a_step(task: Task, batch_size: int, precision: Any) -> float:
    """Forward and backward where the loop will compute, without what the loop adds to them."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    task.module.to(device).train()
    begun = 0.0
    for step in range(PILOT + 1):
        if step == 1:
            begun = time.perf_counter()
        generator = torch.Generator().manual_seed(step_seed(0, step))
        batch = [v.to(device) for v in task.batch(batch_size, generator)]
        choice = Settings(precision=precision).precision_choice
        with torch.random.fork_rng(), autocast(choice, torch.device(device)):
            value = task.loss(*batch)
        value.backward()
        float(value.detach())  # waits for it
        task.module.zero_grad()
    return (time.perf_counter() - begun) / PILOT


def parameters(model: nn.Module) -> int:
    """How many weights there are."""
    return sum(p.numel() for p in model.parameters())
