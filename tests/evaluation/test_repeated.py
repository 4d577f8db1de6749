"""Models that change from call to call, with the batch, or between a run and its resumption."""

import numpy as np
import pytest
import torch
from torch import nn

from hardsight import attack
from hardsight.attacks.class_suites import class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation import Execution, Protocol, evaluate_classifier
from hardsight.evaluation.classifiers import accuracy_curve

NORMAL, ANOMALOUS = [100, 102, 104, 106], [105, 110, 112, 116]
PLAIN = Protocol(2, gallery=0)
G = torch.Generator().manual_seed(0)
PIXELS = torch.randint(60, 196, (12, 3, 4, 4), generator=G, dtype=torch.uint8)
POINTS = LabelledImages("points", PIXELS, torch.arange(12) % 2, ("a", "b"))


class Signed(nn.Module):
    """A classifier whose answer depends on a plain attribute."""

    def __init__(self, sign: int) -> None:
        super().__init__()
        self.head = nn.Linear(48, 2)
        nn.init.normal_(self.head.weight, generator=torch.Generator().manual_seed(0))
        nn.init.zeros_(self.head.bias)
        self.sign = sign

    def forward(self, x):
        return self.sign * self.head(x.flatten(1) - 0.5)


def values(found):
    return [row.mean.value for row in found.main]


def test_kept_batches_of_another_model_of_the_same_name_and_weights_are_refused(make_set, tmp_path):
    """Neither what a function does nor a plain attribute is in a state dict."""
    data, suites = make_set(NORMAL, ANOMALOUS), [class_suite("fgsm")]
    kept = {"protocol": PLAIN, "execution": Execution(tmp_path / "state")}

    first = attack(lambda x: x.mean((1, 2, 3)), data, "fgsm", **kept)
    again = attack(lambda x: x.mean((1, 2, 3)), data, "fgsm", **kept)
    assert np.array_equal(first.outputs["fgsm"], again.outputs["fgsm"])
    with pytest.raises(ValueError, match=r"state.clean-\w+ holds batches of a detector .*remove"):
        attack(lambda x: -x.mean((1, 2, 3)), data, "fgsm", **kept)

    right = values(evaluate_classifier(Signed(1), POINTS, suites, **kept))
    assert right == values(evaluate_classifier(Signed(1), POINTS, suites, **kept))
    with pytest.raises(ValueError, match=r"batches of a classifier .* another: .* then, .* now"):
        evaluate_classifier(Signed(-1), POINTS, suites, **kept)


def test_a_line_over_a_plain_attribute_has_the_same_points_with_a_folder(tmp_path):
    def line(**how):
        build = lambda sign: (Signed(int(sign)), POINTS)  # noqa: E731
        return [p.value for _, p in accuracy_curve([1, -1], build, protocol=PLAIN, **how)]

    assert line(execution=Execution(tmp_path)) == line() == line(execution=Execution(tmp_path))
    assert sum(line()) == 1  # what one reads rightly the other does not


def test_a_model_that_seldom_answers_otherwise_is_refused():
    class Flipping(Signed):
        """Mirrors whole batches at random; it answers the first two calls alike."""

        asked = 0

        def forward(self, x):
            self.asked += 1
            flips = self.asked % 4 == 0
            return super().forward(x.flip(-1) if flips else x)

    with pytest.raises(ValueError, match="another margin at each call"):
        evaluate_classifier(Flipping(1), POINTS, [], protocol=PLAIN)


def test_a_classifier_whose_answers_depend_on_the_batch_is_refused():
    """Images that are misread leave the batch that is attacked, and change what is left."""

    class OnBatch(Signed):
        def forward(self, x):
            return super().forward((x - x.mean(0)) / (x.std() + 0.1))

    with pytest.raises(ValueError, match="otherwise in another batch"):
        evaluate_classifier(OnBatch(1), POINTS, [], protocol=PLAIN)


@pytest.mark.parametrize(
    ("output", "error", "said"),
    [
        (lambda z: (z, z), TypeError, r"logits \(B, K\), got tuple; wrap it"),
        (lambda z: {"logits": z}, TypeError, r"logits \(B, K\), got dict"),
        (lambda z: z.argmax(1), ValueError, r"got \(\d+,\) for \d+ images"),
    ],
)
def test_a_classifier_that_returns_anything_else_is_told_what_it_returned(output, error, said):
    class Odd(Signed):
        def forward(self, x):
            return output(super().forward(x))

    with pytest.raises(error, match=said):
        evaluate_classifier(Odd(1), POINTS, [], protocol=PLAIN)


def test_kept_attacks_from_another_source_are_refused(tmp_path):
    suites = [class_suite("transfer", eps=0.1, objectives=("ce",))]
    kept = {"protocol": PLAIN, "execution": Execution(tmp_path / "state")}
    right = values(evaluate_classifier(Signed(1), POINTS, suites, source=Signed(1), **kept))
    assert right == values(evaluate_classifier(Signed(1), POINTS, suites, source=Signed(1), **kept))
    other = values(
        evaluate_classifier(Signed(1), POINTS, suites, source=Signed(-1), protocol=PLAIN)
    )
    assert other != right
    with pytest.raises(ValueError, match=r"transfer-\w+ holds batches of a classifier .* another"):
        evaluate_classifier(Signed(1), POINTS, suites, source=Signed(-1), **kept)


def test_a_source_may_draw_what_it_does_not_declare(tmp_path):
    class Shaking(Signed):
        def forward(self, x):
            return super().forward(x + 0.1 * torch.randn(x.shape))

    suites = [class_suite("transfer", eps=0.1, objectives=("ce",))]
    kept = {"protocol": PLAIN, "execution": Execution(tmp_path / "state")}
    first = values(evaluate_classifier(Signed(1), POINTS, suites, source=Shaking(1), **kept))
    assert first == values(
        evaluate_classifier(Signed(1), POINTS, suites, source=Shaking(1), **kept)
    )
