import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Generator

from hardsight.detectors.autoencoders.cascade import CascadePCA
from hardsight.detectors.autoencoders.principal import PrincipalComponents


def vectors(n, size, seed=0):
    g = Generator().manual_seed(seed)
    mixing = torch.randn(size, size, generator=g, dtype=torch.float64)
    return torch.randn(n, size, generator=g, dtype=torch.float64) @ mixing + 3


def fitted(x, count):
    found = PrincipalComponents(x.shape[1], count).double()
    found.observe(x)
    return found


@pytest.mark.parametrize("count", [1, 3, 6])
def test_projections_are_scikit_learns(count):
    x, new = vectors(50, 6), vectors(7, 6, seed=1)
    mine, theirs = fitted(x, count), PCA(count).fit(x.numpy())
    expected = theirs.inverse_transform(theirs.transform(new.numpy()))
    np.testing.assert_allclose(mine.expand(mine.compress(new)).numpy(), expected, atol=1e-9)
    np.testing.assert_allclose(mine.mean.numpy(), x.numpy().mean(0))
    np.testing.assert_allclose(mine.covariance.numpy(), np.cov(x.numpy().T, bias=True))


def test_a_projection_is_left_as_it_is_by_another():
    mine, x = fitted(vectors(50, 6), 2), vectors(9, 6, seed=1)
    once = mine.expand(mine.compress(x))
    torch.testing.assert_close(mine.expand(mine.compress(once)), once)


def test_observations_are_averaged_evenly_first_and_then_with_the_rate():
    parts = [vectors(20, 4, seed) for seed in range(5)]
    mine = PrincipalComponents(4, 2).double()
    for part in parts[:3]:
        mine.observe(part, rate=0.2)
    mean = torch.stack([p.mean(0) for p in parts[:3]]).mean(0)
    torch.testing.assert_close(mine.mean, mean)
    for part in parts[3:]:
        mine.observe(part, rate=0.5)
        mean = (mean + part.mean(0)) / 2
    torch.testing.assert_close(mine.mean, mean)


def test_a_single_vector_has_no_components():
    """Its covariance is zero, of which any direction would be a component."""
    mine = fitted(vectors(50, 6), 2)
    before = {name: value.clone() for name, value in mine.state_dict().items()}
    with pytest.raises(ValueError, match="at least 2 vectors at a time, got 1; take"):
        mine.observe(vectors(1, 6), rate=0.1)
    assert all(torch.equal(value, before[name]) for name, value in mine.state_dict().items())


def test_coordinates_keep_their_meaning_from_one_observation_to_the_next():
    x = vectors(200, 5)
    mine = fitted(x, 3)
    before = mine.compress(x)
    mine.observe(x.flip(0) + 1e-3 * vectors(200, 5, seed=2), rate=0.1)
    after = mine.compress(x)
    assert (after - before).norm() < 0.02 * before.norm()


@pytest.mark.parametrize("count", [0, 7])
def test_more_components_than_entries_are_refused(count):
    with pytest.raises(ValueError, match=f"between 1 and 6 components of 6 entries, got {count}"):
        PrincipalComponents(6, count)


def test_a_cascade_is_one_projection_after_the_other():
    latents = vectors(40, 5 * 9).view(40, 5, 3, 3)
    cascade = CascadePCA(5, 3, vector=2, spatial=4).double()
    cascade.observe(latents)
    x = latents.permute(0, 2, 3, 1).reshape(40, 9, 5).numpy()
    channels = PCA(2).fit(x.reshape(-1, 5))
    grids = channels.transform(x.reshape(-1, 5)).reshape(40, 18)
    places = PCA(4).fit(grids)
    back = places.inverse_transform(places.transform(grids))
    expected = channels.inverse_transform(back.reshape(-1, 2))
    found = cascade(latents).permute(0, 2, 3, 1).reshape(-1, 5)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


def test_a_cascade_of_all_components_changes_nothing():
    latents = vectors(40, 2 * 4).view(40, 2, 2, 2)
    cascade = CascadePCA(2, 2, vector=2, spatial=8).double()
    cascade.observe(latents)
    torch.testing.assert_close(cascade(latents), latents)
