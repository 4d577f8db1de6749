import pytest
import torch

from bright import blind
from hardsight.attacks import frozen, value_and_gradient
from hardsight.attacks.gradients import Oracle


def test_gradient_is_the_sum_of_each_images_own():
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    values, gradient = value_and_gradient(lambda i, g: (i**3).flatten(1).sum(1), x)
    torch.testing.assert_close(values, (x**3).flatten(1).sum(1))
    torch.testing.assert_close(gradient, 3 * x**2)


def test_works_inside_no_grad():
    with torch.no_grad():
        _, gradient = value_and_gradient(lambda i, g: i.flatten(1).sum(1), torch.rand(2, 1, 2, 2))
    assert torch.equal(gradient, torch.ones(2, 1, 2, 2))


@pytest.mark.parametrize("masked", [lambda i: i.detach(), lambda i: (i > 0.5).float()])
def test_a_missing_gradient_is_an_error(masked):
    with pytest.raises(ValueError, match="no gradient reaches the images"):
        value_and_gradient(lambda i, g: masked(i).flatten(1).sum(1), torch.rand(2, 1, 2, 2))


def test_a_gradient_that_is_not_finite_is_an_error():
    with pytest.raises(ValueError, match="not finite"):
        value_and_gradient(lambda i, g: (i * 0).sqrt().flatten(1).sum(1), torch.rand(2, 1, 2, 2))


def test_one_value_per_image_is_demanded():
    with pytest.raises(ValueError, match="one value per image"):
        value_and_gradient(lambda i, g: i.mean(), torch.rand(2, 1, 2, 2))


def test_frozen_restores_what_it_switched_off():
    module = torch.nn.Linear(2, 2)
    module.bias.requires_grad_(False)
    with frozen(module):
        assert not any(p.requires_grad for p in module.parameters())
    assert module.weight.requires_grad
    assert not module.bias.requires_grad


def test_weights_with_a_gradient_do_not_hide_that_the_images_have_none():
    weight = torch.ones(3, 1, 1, requires_grad=True)

    def detached(images, generator=None):
        return (weight * images.detach()).flatten(1).sum(1)

    with pytest.raises(ValueError, match="no gradient reaches the images"):
        value_and_gradient(detached, torch.full((2, 3, 4, 4), 0.5))


def corner(images, generator=None):
    """The sum of an image; where its first pixel is above 1/2 the gradient there is NaN."""
    first = images[:, 0, 0, 0]
    return images.flatten(1).sum(1) + blind(first, first > 0.5)


def test_an_oracle_keeps_what_is_finite_and_remembers_the_images():
    x = torch.full((3, 1, 2, 2), 0.25)
    x[1] = 0.75
    oracle = Oracle(corner, x, None)
    values, gradient = oracle(x)
    torch.testing.assert_close(values, x.flatten(1).sum(1))
    expected = torch.ones_like(x)
    expected[1, 0, 0, 0] = 0
    assert torch.equal(gradient, expected)
    oracle(torch.full_like(x, 0.25))
    assert oracle.nonfinite.tolist() == [False, True, False]
    with pytest.raises(ValueError, match="the gradient of the objective is not finite"):
        oracle.demand_finite()


def test_an_oracle_says_what_value_and_gradient_says():
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    oracle = Oracle(lambda i, g: (i**3).flatten(1).sum(1), x, None)
    for a, b in zip(oracle(x), value_and_gradient(oracle.objective, x), strict=True):
        assert torch.equal(a, b)
    oracle.demand_finite()


def test_an_oracle_refuses_values_that_are_not_finite():
    x = torch.zeros(2, 1, 2, 2)
    with pytest.raises(ValueError, match="NaN or infinity for 2 of 2 images"):
        Oracle(lambda i, g: 1 / i.flatten(1).sum(1), x, None)(x)
