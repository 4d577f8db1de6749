"""Stages of a network that no tap needs: kept, and not run."""

from collections.abc import Iterator
from itertools import islice

from torch import nn


class FirstStages(nn.Sequential):
    """Run the first of several stages; the others keep their weights, as files have them.

    Args:
        stages: all of them.
        count: how many are run.
    """

    def __init__(self, stages: nn.Sequential, count: int) -> None:
        super().__init__(*stages)
        self.count = count

    def __iter__(self) -> Iterator[nn.Module]:
        """Yield the stages that are run."""
        return islice(super().__iter__(), self.count)

    @property
    def idle(self) -> nn.ModuleList:
        """The stages that are not run, whose weights no loss depends on."""
        return nn.ModuleList(islice(super().__iter__(), self.count, None))


def end_with_taps(network: nn.Module) -> None:
    """Let a feature network of timm's end with the last stage that a tap is of, in place.

    EfficientNets and MobileNets run all of their stages; others are cut by timm itself. Of the
    bundled network and the usual taps the rest took a sixth of the time.
    """
    from timm.models.efficientnet import EfficientNetFeatures
    from timm.models.mobilenetv3 import MobileNetV3Features

    if not isinstance(network, EfficientNetFeatures | MobileNetV3Features):
        return
    if network.feature_hooks is None:
        last = max(tap["stage"] for tap in network.feature_info.get_dicts())
        network.blocks = FirstStages(network.blocks, last)
