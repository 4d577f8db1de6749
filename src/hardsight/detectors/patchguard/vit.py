"""Vision transformers of timm that judge patches."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hardsight.detectors.patchguard.attention import recorded_inputs
from hardsight.detectors.patchguard.discriminator import Discriminator
from hardsight.detectors.patchguard.embedding import PatchProjection
from hardsight.detectors.patchguard.patch_network import Layer, PatchNetwork
from hardsight.detectors.patchguard.sparse import block_sparse

if TYPE_CHECKING:
    from hardsight.detectors.patchguard.patch_attention import PatchAttention


class PatchViT(PatchNetwork):
    """A ViT whose normalised patch features a discriminator judges (PatchGuard).

    Args:
        size: side of the images in pixels.
        architecture: any of timm's ViTs, e.g. "vit_small_patch14_dinov2.lvd142m".
        layer_scale: LayerScale's first value; None: none. That of DINOv2, 1e-5, makes every block
            of a random start nearly the identity.
        features: layers whose features are concatenated.
        discriminator: whether the patches see each other once more, see ``Discriminator``.
        dropout: of the discriminator.
        sparse: arguments of ``block_sparse``, the attention allowed; None: all.
        overrides: other arguments of the architecture, e.g. ``patch_size``, ``depth``.

    Raises:
        ValueError: an unknown architecture, one that is no ViT, or a layer it does not have.
    """

    mask: Tensor | None

    def __init__(
        self,
        size: int,
        architecture: str = "vit_tiny_patch16_224",
        layer_scale: float | None = None,
        features: Sequence[int] = (-1,),
        discriminator: bool = True,
        dropout: float = 0.2,
        sparse: dict[str, int] | None = None,
        **overrides: Any,
    ) -> None:
        import timm  # slow: not before a network is built

        from hardsight.detectors.patchguard.patch_attention import PatchAttention

        super().__init__()
        try:
            self.vit = timm.create_model(
                architecture,
                pretrained=False,
                num_classes=0,
                img_size=size,
                attn_layer=PatchAttention,
                **({} if layer_scale is None else {"init_values": layer_scale}),
                **overrides,
            )
        except (RuntimeError, TypeError, AssertionError) as error:
            raise ValueError(
                f"architecture={architecture!r} with {overrides} cannot be built for images of "
                f"{size} pixels: {error}; timm.list_models('vit_*') names what there is"
            ) from error
        if not isinstance(self.vit, timm.models.VisionTransformer):
            raise ValueError(f"architecture={architecture!r} is no plain ViT of timm")
        if layer_scale is None:  # timm takes None for its own default, DINOv2's 1e-5
            for block in self.vit.blocks:
                block.ls1, block.ls2 = nn.Identity(), nn.Identity()
        self.vit.patch_embed.proj = PatchProjection.of(self.vit.patch_embed.proj)
        self.depth = len(self.vit.blocks)
        self.cell = self.vit.patch_embed.patch_size[0]
        self.side = size // self.cell
        if size % self.cell:
            raise ValueError(f"image_size={size} is not a multiple of the patch, {self.cell}")
        self.features = [self.index(i) for i in features]
        if not self.features or len(set(self.features)) < len(self.features):
            raise ValueError(
                f"features must be one layer or several different ones, got {features}"
            )
        self.prefix: int = self.vit.num_prefix_tokens
        self.head = Discriminator(
            self.vit.embed_dim * len(self.features),
            self.side**2,
            discriminator,
            dropout=dropout,
        )
        found = None
        if sparse is not None:
            found = block_sparse(self.side**2, self.prefix, **sparse)
        self.register_buffer("mask", found, persistent=False)

    def index(self, layer: int) -> int:
        """Return the position of a layer among the blocks, from 0.

        Raises:
            ValueError: there is no such layer.
        """
        if layer == 0 or not -self.depth <= layer <= self.depth:
            raise ValueError(
                f"layer={layer} is none of 1 to {self.depth} nor, from the end, -1 to -{self.depth}"
            )
        return layer - 1 if layer > 0 else self.depth + layer

    def attending(self, layers: Sequence[Layer]) -> list["PatchAttention"]:
        """Return the attention modules of layers, in the order asked for.

        Raises:
            ValueError: a layer that there is not.
        """
        found: list[PatchAttention] = []
        for layer in layers:
            if layer != "discriminator":
                found.append(self.vit.blocks[self.index(layer)].attn)
            elif self.head.attention is not None:
                found.append(self.head.attention)
            else:
                raise ValueError("layer='discriminator' has no attention: it is switched off")
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the patches' logits (B, 1, side, side) of normalised (B, 3, size, size)."""
        levels = self.vit.forward_intermediates(
            x,
            indices=self.features,
            norm=True,
            output_fmt="NLC",
            intermediates_only=True,
            attn_mask=self.mask,
        )
        logits: Tensor = self.head(torch.cat(levels, dim=-1))
        return logits.view(len(x), 1, self.side, self.side)

    def with_attention(self, x: Tensor, layers: Sequence[Layer]) -> tuple[Tensor, list[Tensor]]:
        """Return the logits, and the attention between patches of each layer asked for.

        Queries and keys of these layers are computed a second time: a fused kernel keeps no
        attention. Rows and columns of the class token are left out, and the rest is
        not brought to sum 1 again.

        Returns:
            (B, 1, side, side), and (B, heads, N, N) each.
        """
        modules = self.attending(layers)
        with recorded_inputs(modules) as inputs:
            logits = self(x)
        maps = []
        for module in modules:
            outer = module is not self.head.attention
            start = self.prefix if outer else 0
            found = module.weights(inputs[module], self.mask if outer else None)
            maps.append(found[:, :, start:, start:])
        return logits, maps
