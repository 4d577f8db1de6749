"""The small network of PyTorch's MNIST example."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from hardsight.classifiers.base import Classifier


class MNISTCNN(Classifier):
    """Two convolutions and two linear layers, as PyTorch's MNIST example has them (RAP, 4.1).

    Args:
        classes: how many.
        size: side of the images in pixels.
        mean, std: see ``Classifier``.
    """

    def __init__(
        self,
        classes: int = 10,
        size: int = 28,
        mean: Sequence[float] = (0.1307,),
        std: Sequence[float] = (0.3081,),
    ) -> None:
        super().__init__(classes, mean, std)
        if size < 6:
            raise ValueError(f"size must be at least 6 pixels, got {size}")
        self.size = size
        self.network = nn.Sequential(
            nn.Conv2d(len(mean), 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(),
            nn.Linear(64 * ((size - 4) // 2) ** 2, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, classes),
        )

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits (B, classes) of normalised images (B, C, size, size).

        Raises:
            ValueError: another size.
        """
        if x.shape[2:] != (self.size, self.size):
            raise ValueError(
                f"images must have shape (B, {x.shape[1]}, {self.size}, {self.size}), got "
                f"{tuple(x.shape)}; resize them, or build MNISTCNN with size={x.shape[2]}"
            )
        found: Tensor = self.network(x)
        return found

    @property
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_classifier(config)`` returns the same architecture."""
        return {"name": "mnist-cnn", "size": self.size} | self.shared_config
