"""The ResNet-18 of small images."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from hardsight.classifiers.base import Classifier


class ResNet18(Classifier):
    """torchvision's ResNet-18 with a 3 x 3 stem and no pooling after it, for 32 x 32 images.

    Args:
        classes: how many.
        mean, std: see ``Classifier``; their number is that of the channels.
    """

    def __init__(
        self,
        classes: int = 10,
        mean: Sequence[float] = (0.4914, 0.4822, 0.4465),
        std: Sequence[float] = (0.2471, 0.2435, 0.2616),
    ) -> None:
        from torchvision.models import resnet18  # slow: not before a network is built

        super().__init__(classes, mean, std)
        self.network = resnet18(num_classes=classes)
        self.network.conv1 = nn.Conv2d(len(mean), 64, 3, padding=1, bias=False)
        self.network.maxpool = nn.Identity()

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits (B, classes) of normalised images (B, C, H, W)."""
        found: Tensor = self.network(x)
        return found

    @property
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_classifier(config)`` returns the same architecture."""
        return {"name": "resnet18"} | self.shared_config
