"""Training for so many minutes, resumably."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hardsight.cli.progress import told
from hardsight.training import Settings, Task, train
from hardsight.training.loop import step_seed

PILOT = 4  # steps timed, after one to warm up


def trained(make: Callable[[], Task], how: dict[str, Any], minutes: float, folder: Path) -> Task:
    """Train the task that ``make`` returns for about so many minutes, or take it up where it was.

    The number of steps is measured before the first of them, and kept: a second call trains on.
    """
    task = make()
    plan = folder / "plan.json"
    if not plan.exists():
        seconds = _seconds_a_step(task, how["batch_size"], how["precision"])
        steps = max(2, round(60 * minutes / seconds))
        folder.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps({"steps": steps, "seconds a step": seconds}) + "\n")
        task = make()  # as if nothing had been tried
    steps = json.loads(plan.read_text())["steps"]
    settings = Settings(steps=steps, **({"checkpoint_every": max(1, steps // 20)} | how))
    with told() as progress:
        train(
            task,
            settings,
            folder,
            resume=True,
            on_step=lambda r: progress(folder.name, r.step, steps, f"loss {r.loss:.3f}"),
        )
    task.module.eval()
    return task


def _seconds_a_step(task: Task, batch_size: int, precision: str) -> float:
    """Forward and backward where the loop will compute, without what the loop adds to them."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    task.module.to(device).train()
    begun = 0.0
    for step in range(PILOT + 1):
        if step == 1:
            begun = time.perf_counter()
        generator = torch.Generator().manual_seed(step_seed(0, step))
        batch = [v.to(device) for v in task.batch(batch_size, generator)]
        low = precision == "bf16-mixed"
        with torch.random.fork_rng(), torch.autocast(device, torch.bfloat16, enabled=low):
            value = task.loss(*batch)
        value.backward()
        float(value.detach())  # waits for it
        task.module.zero_grad()
    return (time.perf_counter() - begun) / PILOT


def parameters(model: nn.Module) -> int:
    """How many weights there are."""
    return sum(p.numel() for p in model.parameters())
