"""The log of a training: train.jsonl, resumable, and what shows its curves."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from torch import Tensor

from hardsight.training.loggers import LOGGERS, Training


class Record(NamedTuple):
    """One line of ``train.jsonl``."""

    step: int
    """Steps done."""
    loss: float
    """Mean since the record before."""
    lr: float
    seconds: float
    """Time spent training, over all sessions of the run."""
    images_per_second: float


class RunLog:
    """Writes every record through to the disk; resuming drops the records past ``step``.

    Args:
        training: Folder, steps done and settings. ``train.jsonl`` is written into the folder;
            records of later steps are of a session that was lost, and are dropped, as is a
            half-written line.
        loggers: Names of ``LOGGERS``.
    """

    def __init__(self, training: Training, loggers: Sequence[str] = ("tensorboard",)) -> None:
        folder, step = training.folder, training.step
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "train.jsonl"
        if path.exists():
            kept = [json.dumps(r._asdict()) + "\n" for r in read(path) if r.step <= step]
            temporary = path.with_suffix(".part")
            temporary.write_text("".join(kept), encoding="utf-8")
            temporary.replace(path)
        self._file = path.open("a", encoding="utf-8")
        self._loggers = [LOGGERS[name](training) for name in dict.fromkeys(loggers)]

    def write(self, record: Record) -> None:
        """Append a record."""
        self._file.write(json.dumps(record._asdict()) + "\n")
        self._file.flush()
        values = record._asdict()
        step = values.pop("step")
        for logger in self._loggers:
            logger.scalars({f"train/{name}": value for name, value in values.items()}, step)

    def picture(self, image: Tensor, step: int) -> None:
        """Show a sample picture (3, H, W) in [0, 1]."""
        for logger in self._loggers:
            logger.picture(image, step)

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        for logger in self._loggers:
            logger.close()


def read(path: Path) -> list[Record]:
    """Return the records of a ``train.jsonl``; a half-written last line is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [Record(**json.loads(line)) for line in lines[:-1]]
