import torch

from hardsight.batches import choose, per_image


def test_per_image_takes_rank_and_type_of_the_other():
    like = torch.zeros(3, 2, 4, 4, dtype=torch.float64)
    assert per_image(torch.arange(3), like).shape == (3, 1, 1, 1)
    assert per_image(torch.tensor(2), like).shape == (1, 1, 1, 1)
    assert per_image(torch.arange(3), like).dtype == torch.float64


def test_choose_goes_image_by_image():
    yes, no = torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    found = choose(torch.tensor([True, False, True]), yes, no)
    assert found.flatten(1).mean(1).tolist() == [1, 0, 1]
