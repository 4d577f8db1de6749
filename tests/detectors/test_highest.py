import torch

from hardsight.detectors.highest import highest_mean


def test_it_is_the_mean_of_the_highest_share_and_of_at_least_one():
    maps = torch.arange(20.0).view(2, 1, 2, 5)
    assert highest_mean(maps, 0.2).tolist() == [8.5, 18.5]
    assert highest_mean(maps, 0.0).tolist() == [9.0, 19.0]
    assert highest_mean(maps, 1.0).tolist() == [4.5, 14.5]
