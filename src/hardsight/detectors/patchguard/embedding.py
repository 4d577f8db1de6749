"""From patches to features, as one product."""

import torch.nn.functional as F
from torch import Tensor, nn


class PatchProjection(nn.Conv2d):
    """A convolution whose kernel is its stride, computed as a product of matrices.

    The same function of the same weights. On CPUs the convolution's gradient with respect to the
    images, which each attack step needs, took more than twice as long.
    """

    @classmethod
    def of(cls, convolution: nn.Conv2d) -> "PatchProjection":
        """Return it with the weights of a convolution whose kernel is its stride.

        Raises:
            ValueError: patches overlap, or leave gaps, or are padded.
        """
        side, stride = convolution.kernel_size, convolution.stride
        if side != stride or convolution.padding != (0, 0) or convolution.groups != 1:
            raise ValueError(f"the kernel must be the stride, without padding, got {convolution}")
        found = cls(
            convolution.in_channels,
            convolution.out_channels,
            (side[0], side[1]),
            (side[0], side[1]),
            bias=convolution.bias is not None,
        )
        found.load_state_dict(convolution.state_dict())
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Embed (B, C, H, W) as (B, D, H / h, W / w), for kernels of h x w."""
        (b, c, *_), (h, w) = x.shape, self.kernel_size
        down, across = x.shape[2] // h, x.shape[3] // w
        grid = x.reshape(b, c, down, h, across, w).permute(0, 2, 4, 1, 3, 5)
        features = F.linear(grid.reshape(b, down * across, -1), self.weight.flatten(1), self.bias)
        return features.transpose(1, 2).view(b, -1, down, across)
