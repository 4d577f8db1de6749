"""The training loop."""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor, nn

from hardsight.backbones.stages import FirstStages
from hardsight.core.global_generators import kept_generators, seed_generators
from hardsight.core.precision import Precision, autocast, resolve
from hardsight.core.progress import Progress
from hardsight.training import checkpoint
from hardsight.training.interrupt import Interrupt
from hardsight.training.launched import launched, processes
from hardsight.training.loggers import Training, demand_loggers
from hardsight.training.logs import Record, RunLog
from hardsight.training.settings import Settings, learning_rate
from hardsight.training.state import RunState
from hardsight.training.weights import build_optimizer, weight_groups


class Task(Protocol):
    """What is trained, on what. Must be picklable if ``devices`` > 1 on GPUs."""

    @property
    def module(self) -> nn.Module:
        """What is trained; the same object at every call."""

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw everything random about one step: images, augmentation, noise.

        Returns:
            CPU tensors, each with leading dimension ``size``; every process draws the whole batch
            and keeps its own rows.
        """

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss over the images of a batch or of some of its rows, a scalar."""


@runtime_checkable
class SamplingTask(Task, Protocol):
    """A task that can show what its module does."""

    def sample(self, module: nn.Module) -> Tensor:
        """Return a picture (3, H, W) in [0, 1], made with ``module`` (the averaged weights)."""


class TrainResult(NamedTuple):
    """How a run ended. The task's module then carries the averaged weights, in eval mode."""

    step: int
    """Steps done, less than ``settings.steps`` if interrupted."""
    loss: float | None
    """Loss of the last step; None if there was none left to do."""
    seconds: float
    """Time spent training, over all sessions of the run."""
    checkpoint: Path
    interrupted: bool
    precision: Precision
    """In which the last step was computed, and why."""


OnStep = Callable[[Record], None]


def train(
    task: Task,
    settings: Settings,
    folder: str | Path,
    resume: bool = False,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train a task; write checkpoints/, train.jsonl, curves and samples/ into ``folder``.

    All randomness of a step comes from a generator seeded by (seed, step): a resumed run goes on
    to the same weights, bit for bit, and several devices follow the loss curve of one. Ctrl-C
    finishes the step, saves a checkpoint and returns with ``interrupted``.

    Args:
        task: What is trained.
        settings: How.
        folder: Of the run; created. Must hold no run yet unless ``resume``.
        resume: Go on from the last readable checkpoint, or start if there is none.
        on_step: Called after every step with its Record, its loss alone (in the first of several
            processes).

    Raises:
        FileExistsError: the folder holds a run and ``resume`` is false.
        ImportError: a logger is not installed.
        CheckpointError: a checkpoint does not fit or could not be written.
        TrainingError: the loss or the weights became NaN or infinite.
        ValueError: no steps, or resuming with other settings than the run was started with.
    """
    if settings.steps < 1:
        raise ValueError("steps=0 trains nothing; take at least 1")
    demand_loggers(settings.loggers)
    folder = Path(folder)
    if not resume and (checkpoint.exists(folder / "checkpoints") or _has_log(folder)):
        raise FileExistsError(
            f"folder {folder} already holds a run; pass resume=True to go on with it, "
            "or choose another folder"
        )
    from lightning_fabric import Fabric  # slow to import: not before it is needed

    forks = settings.devices > 1 and launched() is None
    where = next(task.module.parameters()).device
    begun = _begun_here(settings, where) if launched() is None else processes(settings)
    fabric = Fabric(**begun)
    precision = resolve(settings.precision_choice, fabric.device)
    # The parent of several processes must outlive Ctrl-C until they have saved.
    with Interrupt() if forks else nullcontext():
        result: TrainResult = fabric.launch(_run, task, settings, precision, folder, on_step)
    end = checkpoint.load(result.checkpoint)
    checkpoint.load_into(task.module, end.part("ema"), end.path)
    task.module.eval()
    return result


def complete(
    task: Task,
    settings: Settings,
    folder: str | Path,
    stage: str,
    progress: Progress,
    resume: bool = True,
) -> None:
    """Train to the last step as ``train`` does, where the module is, and tell of every step.

    Elsewhere it would be apart afterwards from what it belongs to.

    Args:
        task, settings, folder, resume: as ``train``.
        stage: what the progress calls it.
        progress: told of every step and its loss.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: ``settings`` name another accelerator; as ``train``.
    """
    where = next(task.module.parameters()).device.type
    if settings.accelerator not in ("auto", where):
        raise ValueError(
            f"training.accelerator={settings.accelerator}, but what is trained is on {where}: "
            f"move it before the fit with .to({settings.accelerator!r}), or --device "
            f"{settings.accelerator} on the command line; or leave accelerator at auto"
        )

    def tell(record: Record) -> None:
        progress(stage, record.step, settings.steps, f"loss {record.loss:.4f}")

    settings = settings.model_copy(update={"accelerator": where})
    if train(task, settings, folder, resume, tell).interrupted:
        raise KeyboardInterrupt


class _Loss(nn.Module):
    """The loss as a module, so that the gradient exchange wraps all of it."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.module = task.module
        self._task = task

    def forward(self, *batch: Tensor) -> Tensor:
        return self._task.loss(*batch)


def _run(
    fabric: Any,
    task: Task,
    settings: Settings,
    precision: Precision,
    folder: Path,
    on_step: OnStep | None,
) -> TrainResult:
    """Train in one process of possibly several; the result of the first is the result."""
    chief, rank, world = fabric.is_global_zero, fabric.global_rank, fabric.world_size
    precision = fabric.broadcast(precision)
    if world > 1 and fabric.device.type == "cpu":
        torch.set_num_threads(1)  # a forked process hangs in the thread pool of its parent
    task.module.train()
    optimizer = build_optimizer(weight_groups(task.module, settings.lr_shares), settings)
    for part in task.module.modules():
        if isinstance(part, FirstStages):  # several processes would wait for gradients of these
            part.idle.requires_grad_(False)
    model, stepper = fabric.setup(_Loss(task), optimizer)
    state = RunState(settings, folder / "checkpoints", task.module, optimizer, precision)
    state.restore()

    first, spent, loss, stop = state.step, state.seconds, None, False
    start = time.perf_counter()
    shown = Training(folder, first, settings.model_dump(mode="json"))
    writer = RunLog(shown, settings.loggers) if chief else nullcontext()
    with writer as log, kept_generators(fabric.device), Interrupt() as interrupt:
        while state.step < settings.steps and not stop:
            step, lr = state.step, learning_rate(settings, state.step)
            draws = Generator().manual_seed(step_seed(settings.seed, step))
            rows = task.batch(settings.batch_size, draws)
            batch = fabric.to_device(tuple(row[rank::world] for row in rows))
            own = step_seed(settings.seed, step, stream=1 + rank)
            seed_generators(own, fabric.device)  # for dropout
            for group in optimizer.param_groups:
                group["lr"] = lr * group["share"]

            stepper.zero_grad()
            with autocast(state.precision.name, fabric.device):
                value = model(*batch)
            fabric.backward(value)
            if (most := settings.gradient_clip) is not None:  # the state names what is not finite
                fabric.clip_gradients(model, stepper, max_norm=most, error_if_nonfinite=False)
            stepper.step()

            # One exchange: the mean loss, and whether any of the processes was asked to stop.
            flag = value.new_tensor(interrupt.asked)
            shared = torch.stack([value.detach(), flag]).float()
            loss, asked = fabric.all_reduce(shared, reduce_op="mean").tolist()
            stop = asked > 0
            seconds = spent + time.perf_counter() - start
            state.advance(loss, seconds)  # raises if the loss is not finite

            done, last = state.step, state.step == settings.steps
            speed = settings.batch_size * (done - first) / (seconds - spent)
            if done % settings.log_every == 0 or last:
                mean = state.mean_loss()
                if log:
                    log.write(Record(done, mean, lr, seconds, speed))
            if log and settings.sample_every and done % settings.sample_every == 0:
                _sample(task, state.ema.module, folder, log, done)
            if done % settings.checkpoint_every == 0 or last or stop:
                state.save(write=chief or launched() is not None)  # each in a folder of its own
            if chief and on_step:
                on_step(Record(done, loss, lr, seconds, speed))
    path = checkpoint.path_of(folder / "checkpoints", state.step)
    unfinished = state.step < settings.steps
    return TrainResult(state.step, loss, state.seconds, path, unfinished, state.precision)


def _sample(task: Task, module: nn.Module, folder: Path, log: RunLog, step: int) -> None:
    """Write the task's picture to samples/ and to the loggers, if it makes one."""
    if not isinstance(task, SamplingTask):
        return
    with torch.no_grad():
        image = task.sample(module).float().cpu().clamp(0, 1)
    write_picture(image, folder / "samples" / f"step-{step:08d}.png")
    log.picture(image, step)


def write_picture(picture: Tensor, path: Path) -> None:
    """Write (3, H, W) in [0, 1] as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path)


def step_seed(seed: int, step: int, stream: int = 0) -> int:
    """Return the seed of one step's randomness: stream 0 is the batch, 1 + rank the module."""
    return int(np.random.SeedSequence([seed, step, stream]).generate_state(1)[0])


def _begun_here(settings: Settings, where: torch.device) -> dict[str, Any]:
    """Return the arguments of a ``Fabric`` that begins its own processes, if several.

    A single one computes on the GPU where the module is, if it is on one.
    """
    found: dict[str, Any] = {"accelerator": settings.accelerator, "devices": settings.devices}
    if settings.devices > 1:
        return found | {"strategy": _strategy(settings)}
    if where.type == "cuda" and settings.accelerator in ("auto", "cuda"):
        found["devices"] = [where.index]
    return found


def _strategy(settings: Settings) -> str:
    """Return how to start several processes: forked on CPUs, so that a script may call train()."""
    gpu = settings.accelerator == "cuda" or (
        settings.accelerator == "auto" and torch.cuda.is_available()
    )
    forks = "fork" in multiprocessing.get_all_start_methods()
    return "ddp_fork" if forks and not gpu else "ddp_spawn"


def _has_log(folder: Path) -> bool:
    path = folder / "train.jsonl"
    return path.is_file() and path.stat().st_size > 0
