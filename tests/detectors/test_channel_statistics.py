import torch

from hardsight.detectors.channel_statistics import channel_statistics


def test_the_statistics_are_those_of_all_places_of_all_batches():
    x = 1e4 + torch.rand(11, 5, 4, 6, generator=torch.Generator().manual_seed(0)).double()
    mean, std = channel_statistics(x.split(3))
    flat = x.transpose(0, 1).flatten(1)
    torch.testing.assert_close(mean, flat.mean(1).float().view(1, 5, 1, 1))
    torch.testing.assert_close(std, flat.std(1, correction=0).float().view(1, 5, 1, 1))


def test_a_channel_that_never_changes_has_a_spread_to_divide_by():
    mean, std = channel_statistics([torch.ones(2, 3, 4, 4)])
    assert torch.equal(mean, torch.ones(1, 3, 1, 1))
    assert (std > 0).all()
