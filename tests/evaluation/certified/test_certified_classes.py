from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from hardsight.certify import ABSTAIN
from hardsight.evaluation.certified.classes import certify_classifier
from hardsight.evaluation.certified.plan import Terms, Voting
from hardsight.evaluation.plan import Execution


def test_a_linear_classifier_has_its_known_radii(tmp_path):
    """Two classes by the sign of w.x - b: the radius is |w.x - b| / ||w||, up to confidence."""
    values = torch.tensor([0.1, 0.3, 0.45, 0.55, 0.7, 0.9])
    images = values.view(-1, 1, 1, 1).expand(6, 3, 4, 4)
    labels = torch.tensor([0, 0, 1, 1, 1, 0])

    def model(x):
        s = x.mean((1, 2, 3)) - 0.5
        return torch.stack([-s, s], 1)

    terms, voting = Terms(0.5, 2000, radii=(0.0, 0.2, 1.0)), Voting(batch_size=500)
    settings = {"voting": voting, "execution": Execution(tmp_path)}
    found = certify_classifier(model, images, labels, terms, **settings)
    at = np.argsort(found.index)
    distance = np.abs(values.numpy() - 0.5) * np.sqrt(48)
    n = terms.n
    largest = 0.5 * norm.ppf(0.001 ** (1 / n))  # all votes for one class
    expected = np.minimum(distance, largest)
    assert np.all(found.radii[at] <= expected + 1e-9)
    np.testing.assert_allclose(found.radii[at], expected, atol=0.25)
    predicted = found.predicted[at]
    assert list(predicted) == [0, 0, 0, 1, 1, 1]
    assert found.accuracy(0.0) == found.rows[0].accuracy == 4 / 6
    assert found.rows[1].accuracy == 4 / 6
    assert found.rows[2].accuracy == 3 / 6  # 0.1, 0.3 and 0.7 are that far and right
    assert found.abstained == 0
    assert found.notes == ()
    again = certify_classifier(model, images, labels, terms, **settings)
    assert np.array_equal(again.radii, found.radii)
    assert again.seconds_per_image == found.seconds_per_image  # nothing was computed again
    joint = certify_classifier(model, images, labels, terms, voting=replace(voting, joint=True))
    assert np.all(joint.radii[np.argsort(joint.index)] <= found.radii[at])


def test_a_classifier_may_have_noise_of_its_own_and_abstain():
    class Coin(torch.nn.Module):
        def sample_noise(self, images, generator=None):
            return torch.rand(len(images), 2, generator=generator)

        def forward(self, images, noise):
            return noise

    found = certify_classifier(
        Coin(), torch.full((3, 3, 4, 4), 0.5), torch.zeros(3), Terms(0.1, 50, radii=(0.0,))
    )
    assert set(found.predicted) == {ABSTAIN}
    assert found.abstained == 1.0
    assert found.rows[0].accuracy == 0.0
    with pytest.raises(ValueError, match="a label for each image"):
        certify_classifier(Coin(), torch.zeros(2, 3, 4, 4), torch.zeros(3), Terms(0.1))
