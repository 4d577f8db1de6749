import torch

from hardsight.core.batches import (
    at_least_single,
    at_once,
    batched,
    choose,
    in_parts,
    per_image,
    spread,
)


def test_per_image_takes_rank_and_type_of_the_other():
    like = torch.zeros(3, 2, 4, 4, dtype=torch.float64)
    assert per_image(torch.arange(3), like).shape == (3, 1, 1, 1)
    assert per_image(torch.tensor(2), like).shape == (1, 1, 1, 1)
    assert per_image(torch.arange(3), like).dtype == torch.float64


def test_less_than_single_precision_is_widened_and_no_other_changed():
    for given in (torch.bfloat16, torch.float16, torch.float32):
        assert at_least_single(torch.ones(2, dtype=given)).dtype == torch.float32
    x = torch.rand(2, dtype=torch.float64)
    assert at_least_single(x) is x


def test_choose_goes_image_by_image():
    yes, no = torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    found = choose(torch.tensor([True, False, True]), yes, no)
    assert found.flatten(1).mean(1).tolist() == [1, 0, 1]


def test_large_images_come_in_smaller_batches():
    small, large = torch.zeros(10, 3, 8, 8), torch.zeros(3, 1, 2048, 2048, dtype=torch.uint8)
    assert [len(part) for part in batched(small, 4)] == [4, 4, 2]
    assert [len(part) for part in batched(large, 4)] == [1, 1, 1]
    assert torch.equal(torch.cat(batched(small, 4)), small)


def test_in_parts_is_the_function_on_the_whole_with_its_gradient():
    """Rows of a product with a second tensor; None goes in and comes out."""
    g = torch.Generator().manual_seed(0)
    x = torch.rand(7, 3, generator=g, dtype=torch.float64).requires_grad_()
    factor = torch.rand(7, 3, generator=g, dtype=torch.float64)
    sizes = []

    def function(x, factor, nothing):
        sizes.append(len(x))
        assert nothing is None
        return (x * factor).sin(), None, x.sum(1)

    product, none, sums = in_parts(function, 3, x, factor, None)
    assert none is None
    assert sizes == [3, 3, 1]
    assert torch.equal(product, (x * factor).sin())
    assert torch.equal(sums, x.sum(1))
    (found,) = torch.autograd.grad((product * product).sum() + sums.sum(), x)
    angle = x.detach() * factor
    torch.testing.assert_close(found, 2 * angle.sin() * angle.cos() * factor + 1)
    assert sorted(sizes) == [1, 1, 3, 3, 3, 3]  # each computed again
    sizes.clear()
    with torch.no_grad():
        in_parts(function, 7, x, factor, None)
    assert sizes == [7]


def test_fewer_large_images_at_once():
    assert at_once((100, 3, 256, 256), 8) == 8
    assert at_once((100, 3, 256, 256), 1000) == 64
    assert at_once((100, 3, 1024, 1024), 8) == 4
    assert at_once((1, 3, 4096, 4096), 8) == 1


def test_spread_takes_so_many_rows_from_first_to_last():
    rows = torch.arange(10)
    assert spread(rows, 4).tolist() == [0, 3, 6, 9]
    assert spread(rows, 10) is rows
    assert spread(rows[:3], 8).tolist() == [0, 1, 2]
