"""Sparse attention: which token may attend to which (BigBird, Zaheer et al., 2020)."""

import torch
from torch import Generator, Tensor


def block_sparse(
    patches: int,
    prefix: int,
    block: int = 16,
    window: int = 3,
    random: int = 1,
    general: int = 1,
    seed: int = 0,
) -> Tensor:
    """Return BigBird's pattern: blocks near by, random ones, and ones that see and are seen by all.

    Args:
        patches: tokens in blocks, in reading order; the last block may be shorter.
        prefix: tokens before them (the class token), which see and are seen by all.
        block: tokens of a block.
        window: blocks near by, itself in the middle; odd.
        random: random blocks of each.
        general: first blocks that see and are seen by all.
        seed: of the random blocks.

    Returns:
        (prefix + patches, prefix + patches) bool, true where row attends to column.
    """
    if block < 1 or window < 1 or window % 2 == 0 or random < 0 or general < 0:
        raise ValueError(
            "need block >= 1, an odd window >= 1, random >= 0 and general >= 0, got "
            f"{block}, {window}, {random} and {general}"
        )
    count = -(-patches // block)
    index = torch.arange(count)
    seen = (index[:, None] - index).abs() <= window // 2
    draws = torch.rand(count, count, generator=Generator().manual_seed(seed))
    rank = draws.masked_fill(seen, 2).argsort(1).argsort(1)
    seen |= rank < random
    seen[:general] = True
    seen[:, :general] = True
    tokens = seen.repeat_interleave(block, 0).repeat_interleave(block, 1)[:patches, :patches]
    whole = torch.ones(prefix + patches, prefix + patches, dtype=torch.bool)
    whole[prefix:, prefix:] = tokens
    return whole
