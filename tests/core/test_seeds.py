import torch

from hardsight.core.seeds import draw_seeds, generator_of


def test_the_first_seed_decides_what_is_drawn_and_each_process_has_its_own():
    seeds = draw_seeds(4, torch.Generator().manual_seed(0))
    assert len(set(seeds.tolist())) == 4
    device = torch.device("cpu")
    first, again, other = (
        torch.rand(3, generator=generator_of(rows, device))
        for rows in (seeds, seeds[:1], seeds[1:])
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
