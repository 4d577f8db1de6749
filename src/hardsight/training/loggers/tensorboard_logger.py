"""TensorBoard: event files below the training's folder."""

from collections.abc import Mapping

from torch import Tensor

from hardsight.training.loggers.logger import Training


class TensorBoardLogger:
    """Writes ``tensorboard/``; steps of a session that was lost are purged."""

    def __init__(self, training: Training) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import: not before it is needed

        place = str(training.folder / "tensorboard")
        self._board = SummaryWriter(place, purge_step=training.step + 1)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show values by their names."""
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        self._board.flush()

    def picture(self, image: Tensor, step: int) -> None:
        """Show (3, H, W) in [0, 1]."""
        self._board.add_image("sample", image, step)
        self._board.flush()

    def close(self) -> None:
        """Close the event file."""
        self._board.close()
