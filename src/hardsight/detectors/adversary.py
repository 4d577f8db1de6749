"""The attack on training images that an adversarial training is configured by."""

from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor, nn

from hardsight.attacks import PGD, Linf, Objective, frozen
from hardsight.core.modules import Mode, in_mode


class PGDAdversary(BaseModel):
    """Configure projected gradient ascent on training images, in an L-inf ball (Madry et al.)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    eps: float = Field(8 / 255, ge=0, le=1)
    """Radius in [0, 1] pixel units."""
    steps: int = Field(10, ge=1)
    """From the image itself; each is 2.5 eps / steps long."""
    mode: Mode = "eval"
    """Mode of the network while it is attacked."""

    def attack(self) -> PGD:
        """Return the attack."""
        return PGD(Linf(self.eps), steps=self.steps, random_start=False)

    def perturb(
        self, network: nn.Module, objective: Objective, images: Tensor, generator: Generator
    ) -> Tensor:
        """Attack a batch, the network in the adversary's mode and its weights without gradients.

        Args:
            network: what the objective evaluates.
            objective: (B, 3, H, W) -> (B,), to be maximised.
            images: (B, 3, H, W) in [0, 1].
            generator: of a random start, on the images' device.

        Returns:
            (B, 3, H, W) in [0, 1], inside the ball, detached.
        """
        with in_mode(self.mode, network), frozen(network):
            return self.attack().last(objective, images, generator)
