from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from bright import blind
from hardsight.attacks.class_suites import class_suite
from hardsight.certify import ABSTAIN
from hardsight.data import LabelledImages
from hardsight.evaluation.certified.attacked_classes import attack_certified_classes
from hardsight.evaluation.certified.classes import certify_classifier
from hardsight.evaluation.certified.plan import Terms, Voting
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.purifiers import Noising, Purified


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


class Sum(torch.nn.Module):
    """Two classes by the sign of the sum of the pixels, less that of a grey image."""

    def forward(self, x):
        s = (x - 0.5).flatten(1).sum(1)
        return torch.stack([-s, s], 1)


SIGMA = 0.1
GREYS = torch.linspace(100, 155, 24).round().byte().view(-1, 1, 1, 1).expand(24, 1, 4, 4)
MARGIN = (GREYS.double() / 255 - 0.5).flatten(1).sum(1) / 4  # distance from the boundary, in L2
GREY = LabelledImages("greys", GREYS.contiguous(), (MARGIN > 0).long(), ("dark", "light"))
RADII = (0.0, 0.1, 0.2)


def certified(model, n=1000):
    terms = Terms(SIGMA, n, radii=RADII)
    return certify_classifier(model, GREY.images, GREY.labels, terms, classes=GREY.classes)


def suites(norm="L2"):
    return [class_suite("eot-pgd", norm, r, steps=6, draws=4, fixed=False) for r in RADII[1:]]


def test_an_attack_of_the_vote_leaves_what_is_known_and_no_less_than_is_certified(tmp_path):
    """Of a linear classifier an image is lost, attacked, where its distance is below the radius."""
    execution = Execution(tmp_path)
    how = {"protocol": Protocol(400, batch_size=24, gallery=0), "execution": execution}
    found = attack_certified_classes(certified(Sum()), Sum(), GREY, suites(), **how)
    assert [a.radius for a in found.attacks] == list(RADII[1:])
    for a in found.attacks:
        assert a.accuracy == pytest.approx(
            float((MARGIN.abs() > a.radius).double().mean()), abs=0.1
        )
        assert a.certified == found.accuracy(a.radius) <= a.accuracy
        assert a.broken == 0
    again = attack_certified_classes(certified(Sum()), Sum(), GREY, suites(), **how)
    assert again.attacks == found.attacks


def test_a_false_certificate_is_caught():
    honest = certified(Sum(), n=200)
    false = replace(honest, radii=honest.radii + 0.3)
    how = {"protocol": Protocol(100, batch_size=24, gallery=0)}
    found = attack_certified_classes(false, Sum(), GREY, suites()[1:], **how)
    (one,) = found.attacks
    assert one.broken > 0
    assert one.certified > one.accuracy


def test_what_is_attacked_is_what_was_certified():
    found = certified(Sum(), n=60)
    with pytest.raises(ValueError, match="must attack in L2"):
        attack_certified_classes(found, Sum(), GREY, suites("Linf"))
    with pytest.raises(ValueError, match="draws noise of its own"):
        attack_certified_classes(found, Purified(Noising(0.1), Sum()), GREY, suites())
    late = attack_certified_classes(
        found, Sum(), GREY, suites(), execution=Execution(max_minutes=0.0)
    )
    assert late.attacks == ()
    assert sum("was left out" in note for note in late.notes) == 2


@pytest.mark.parametrize("training", [True, False])
def test_a_module_votes_in_eval_mode_and_is_left_as_it_was(training):
    class Moody(torch.nn.Sequential):
        def forward(self, x):
            s = (x.mean((1, 2, 3)) - 0.5) * (-1 if self.training else 1)
            return torch.stack([-s, s], 1)

    model = Moody(torch.nn.Dropout()).train(training)
    model[0].eval()  # parts may differ
    images, labels = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1).expand(2, 3, 4, 4), torch.arange(2)
    found = certify_classifier(model, images, labels, Terms(0.1, 200, radii=(0.0,)))
    assert list(found.predicted[np.argsort(found.index)]) == [0, 1]
    data = LabelledImages("two", (255 * images).byte(), labels, ("dark", "light"))
    suite = class_suite("pgd", "L2", 0.01, steps=1)
    attacked = attack_certified_classes(found, model, data, [suite], protocol=Protocol(20))
    assert attacked.attacks[0].accuracy == 1.0
    assert (model.training, model[0].training) == (training, False)


def test_gradients_lost_under_an_attack_are_noted():
    class Lost(torch.nn.Module):
        def forward(self, x):
            s = (x + blind(x, x.amax((1, 2, 3)) > 0.5)).mean((1, 2, 3)) - 0.5
            return torch.stack([-s, s], 1)

    images, labels = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1).expand(2, 3, 4, 4), torch.arange(2)
    data = LabelledImages("two", (255 * images).byte(), labels, ("dark", "light"))
    found = certify_classifier(Lost(), images, labels, Terms(0.01, 200, radii=(0.0,)))
    suite = class_suite("pgd", "L2", 0.01, steps=1)
    attacked = attack_certified_classes(found, Lost(), data, [suite], protocol=Protocol(10))
    (note,) = attacked.notes
    assert note.startswith("pgd at radius 0.01: Non-finite gradients on 1 of 2 images")


def test_several_submissions_are_no_draws_that_vote():
    images, labels = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1).expand(2, 3, 4, 4), torch.arange(2)
    data = LabelledImages("two", (255 * images).byte(), labels, ("dark", "light"))
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2))
    found = certify_classifier(model, images, labels, Terms(0.1, 50, radii=(0.0,)))
    with pytest.raises(ValueError, match="submits an image 10 times"):
        attack_certified_classes(found, model, data, [class_suite("resubmission", "L2", 0.1)])


def test_a_class_without_a_name_goes_by_its_number():
    def third(x):  # of ten logits, where the images have two classes
        return torch.nn.functional.one_hot(torch.full((len(x),), 2), 10).float()

    terms, images = Terms(0.1, 50, radii=(0.0,)), torch.full((2, 3, 4, 4), 0.5)
    for classes, true in (((), ["0", "1"]), (("dark", "light"), ["dark", "light"])):
        found = certify_classifier(third, images, torch.tensor([0, 1]), terms, classes=classes)
        rows = found.to_json()["images"]
        assert sorted(row["class"] for row in rows) == true
        assert {row["predicted"] for row in rows} == {"2"}
