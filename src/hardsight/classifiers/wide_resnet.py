"""Wide residual networks."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from hardsight.classifiers.base import Classifier


class _Block(nn.Module):
    """Two pre-activated 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.norm1(x))
        found: Tensor = self.conv2(self.dropout(F.relu(self.norm2(self.conv1(active)))))
        return found + (x if self.shortcut is None else self.shortcut(active))


class WideResNet(Classifier):
    """WRN-depth-width for 32 x 32 images (Zagoruyko & Komodakis, 2016, Table 1).

    Args:
        depth: 6 n + 4 layers, n blocks to each of three levels: 28 in WRN-28-10.
        width: channels over those of a plain ResNet (16, 32, 64): 10 in WRN-28-10.
        classes: how many.
        dropout: between the convolutions of a block, while training.
        mean, std: see ``Classifier``; their number is that of the channels.
    """

    def __init__(
        self,
        depth: int = 28,
        width: int = 10,
        classes: int = 10,
        dropout: float = 0.0,
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
    ) -> None:
        super().__init__(classes, mean, std)
        if depth < 10 or (depth - 4) % 6:
            raise ValueError(f"depth must be 10, 16, 22, 28, ... (6 n + 4), got {depth}")
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        self.depth, self.width, self.dropout = depth, width, dropout
        blocks: list[nn.Module] = [nn.Conv2d(len(mean), 16, 3, padding=1, bias=False)]
        inputs = 16
        for level in range(3):
            outputs = 16 * 2**level * width
            for i in range((depth - 4) // 6):
                stride = 2 if level and i == 0 else 1
                blocks.append(_Block(inputs, outputs, stride, dropout))
                inputs = outputs
        self.body = nn.Sequential(*blocks, nn.BatchNorm2d(inputs), nn.ReLU())
        self.head = nn.Linear(inputs, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits (B, classes) of normalised images (B, C, H, W)."""
        found: Tensor = self.head(self.body(x).mean((2, 3)))
        return found

    @property
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_classifier(config)`` returns the same architecture."""
        own = {"depth": self.depth, "width": self.width, "dropout": self.dropout}
        return {"name": "wide-resnet"} | own | self.shared_config
