"""The focal loss of DRAEM and GLASS, one number an image."""

import torch
import torch.nn.functional as F
from torch import Tensor


def focal_loss(logits: Tensor, masks: Tensor, gamma: float = 2.0) -> Tensor:
    """Return the mean focal loss (B,) of the pixels (Lin et al., 2017, Eq. 4, without alpha).

    -(1 - p)^gamma log p, with p the probability of the pixel's truth.

    Shape:
        logits (B, 1, H, W), above 0 anomalous; masks (B, 1, H, W) bool.
    """
    wrong = torch.where(masks, -logits, logits)  # the logit of the untruth
    return ((gamma * F.logsigmoid(wrong)).exp() * F.softplus(wrong)).flatten(1).mean(1)
