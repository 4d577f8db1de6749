"""The log of a run: train.jsonl and TensorBoard, both resumable."""

import json
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter


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
        folder: Of the run: ``train.jsonl`` and ``tensorboard/`` are written there.
        step: Steps done before this session; records of later ones are of a session that was
            lost, and are dropped, as is a half-written line.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "train.jsonl"
        if path.exists():
            kept = [json.dumps(r._asdict()) + "\n" for r in read(path) if r.step <= step]
            temporary = path.with_suffix(".part")
            temporary.write_text("".join(kept), encoding="utf-8")
            temporary.replace(path)
        self._file = path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, record: Record) -> None:
        """Append a record."""
        self._file.write(json.dumps(record._asdict()) + "\n")
        self._file.flush()
        for name, value in record._asdict().items():
            if name != "step":
                self._board.add_scalar(f"train/{name}", value, record.step)
        self._board.flush()

    def picture(self, image: Tensor, step: int) -> None:
        """Show a sample picture (3, H, W) in [0, 1] in TensorBoard."""
        self._board.add_image("sample", image, step)
        self._board.flush()

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self._board.close()


def read(path: Path) -> list[Record]:
    """Return the records of a ``train.jsonl``; a half-written last line is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [Record(**json.loads(line)) for line in lines[:-1]]
