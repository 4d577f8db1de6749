"""A whole pretrained classifier: what it sees, and where."""

import torch
from torch import Tensor, nn

from hardsight.backbones.bundled import BackboneError
from hardsight.backbones.weights import load_into, normalisation, pretrained_weights
from hardsight.core.modules import seeded


class PretrainedClassifier(nn.Module):
    """Tell the classes of images in [0, 1], differentiably, in eval mode.

    Args:
        name: of timm, any classifier.
        weights: as for ``Backbone``; a file must hold the whole network.

    Shape:
        (B, 3, H, W) -> logits (B, classes), 1,000 of ImageNet.

    Raises:
        BackboneError: an unknown network, or weights that cannot be had or do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str = "tf_efficientnet_lite0", weights: str = "bundled") -> None:
        import timm  # slow: not before a network is built

        super().__init__()
        try:
            with seeded(0):
                self.network = timm.create_model(name, pretrained=False)
        except RuntimeError as error:
            raise BackboneError(
                f"classifier name={name!r} cannot be built ({error}); timm.list_models() names "
                "the networks"
            ) from error
        if weights != "random":
            load_into(self.network, pretrained_weights(name, weights), weights)
        mean, std = normalisation(name, weights)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of a batch."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits

    @property
    def last_block(self) -> nn.Module:
        """The block with the last features of different places, which Grad-CAM explains by."""
        block: nn.Module = self.network.get_submodule(self.network.feature_info[-1]["module"])
        return block
