import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.attacks import PGD, Linf, ScoreObjective, value_and_gradient
from hardsight.core.capabilities import title_of
from hardsight.core.types import Detection
from hardsight.detectors import Wrapped, as_detector

X = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
W = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scores(images: Tensor) -> Tensor:
    return (images * W).sum((1, 2, 3))


def maps(images: Tensor) -> Tensor:
    return (images * W).sum(1, keepdim=True)


class Noisy(nn.Module):
    """Takes its noise, as a Detector does."""

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(images.shape, generator=generator)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        return scores(images + 0.1 * noise)


def dropout(images: Tensor) -> Tensor:
    return scores(F.dropout(images, 0.5))


@pytest.mark.parametrize(
    ("model", "has_maps"),
    [
        (scores, False),
        (lambda x: scores(x)[:, None], False),
        (lambda x: (scores(x), maps(x)), True),
        (lambda x: (scores(x), maps(x).squeeze(1)), True),
        (lambda x: Detection(scores(x), maps(x)), True),
    ],
)
def test_whatever_it_returns_becomes_scores_and_maps(model, has_maps):
    detector = Wrapped(model, 8)
    found = detector(X)
    torch.testing.assert_close(found.pred_score, scores(X))
    assert detector.has_maps == has_maps
    expected = maps(X) if has_maps else scores(X).view(-1, 1, 1, 1).expand(3, 1, 8, 8)
    torch.testing.assert_close(found.anomaly_map, expected)


class Own:
    def score(self, images: Tensor) -> Tensor:
        return scores(images)


@pytest.mark.parametrize(
    ("model", "title"),
    [
        (scores, "scores"),
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 1)), "Sequential"),
        (Own().score, "Own.score"),
        (lambda images: scores(images), "lambda"),
    ],
)
def test_it_is_called_by_what_was_wrapped(model, title):
    assert title_of(Wrapped(model, 8)) == title


def test_logits_and_bare_maps_are_refused_with_where_they_belong():
    with pytest.raises(ValueError, match=r"got \(2, 10\); logits .* see evaluate_classifier"):
        Wrapped(nn.Sequential(nn.Flatten(), nn.Linear(192, 10)), 8)
    with pytest.raises(ValueError, match=r"got \(2, 1, 8, 8\); return .* Detection\(None, map\)"):
        Wrapped(maps, 8)


def test_a_map_alone_is_scored_by_its_maximum():
    found = Wrapped(lambda x: Detection(None, maps(x)), 8)(X)
    torch.testing.assert_close(found.pred_score, maps(X).flatten(1).amax(1))


def test_resizing_and_normalisation_are_inside_the_attacked_path():
    """The gradient at image_size equals finite differences; a linear victim falls to its best."""
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    detector = Wrapped(
        lambda x: (x * W.double()).sum((1, 2, 3)), 16, input_size=8, mean=mean, std=std
    ).double()
    x = torch.full((2, 3, 16, 16), 0.5, dtype=torch.float64)
    small = F.interpolate(x, (8, 8), mode="bilinear", antialias=True)
    normal = (small - detector.mean) / torch.tensor(std, dtype=torch.float64).view(1, 3, 1, 1)
    torch.testing.assert_close(detector(x).pred_score, (normal * W.double()).sum((1, 2, 3)))
    objective = ScoreObjective(detector, torch.tensor([False, True]))
    value, g = value_and_gradient(objective, x)
    result = PGD(Linf(0.1), steps=10)(objective, x, seeded())
    gain = result.objective.double() - value
    torch.testing.assert_close(gain, 0.1 * g.abs().sum((1, 2, 3)), rtol=1e-4, atol=0)


def test_maps_of_another_size_are_brought_to_the_images():
    detector = Wrapped(lambda x: (scores(x), F.avg_pool2d(maps(x), 4)), 8)
    expected = F.interpolate(F.avg_pool2d(maps(X), 4), (8, 8), mode="bilinear")
    torch.testing.assert_close(detector(X).anomaly_map, expected)


def test_a_model_with_noise_of_its_own_keeps_the_contract():
    detector = Wrapped(Noisy(), 8, draws=2)
    assert detector.draws == 2
    noise = detector.sample_noise(X, seeded())
    torch.testing.assert_close(detector(X, noise).pred_score, scores(X + 0.1 * noise))
    assert not torch.equal(detector(X).pred_score, detector(X).pred_score)
    same = [detector.predict(X, seeded(4)).pred_score for _ in range(2)]
    assert torch.equal(*same)


def test_a_hidden_die_is_refused_unless_it_is_seeded():
    with pytest.raises(ValueError, match=r"give Wrapped\(model, 8, seeded=True\)"):
        Wrapped(dropout, 8)
    detector = Wrapped(dropout, 8, seeded=True)
    seeds = detector.sample_noise(X, seeded())
    assert seeds.shape == (3,)
    found = detector(X, seeds).pred_score
    for i in range(3):  # each image under its own seed, alone
        torch.manual_seed(int(seeds[i]))
        torch.testing.assert_close(found[i : i + 1], dropout(X[i : i + 1]))
    assert torch.equal(found[1:2], detector(X[1:2], seeds[1:2]).pred_score)


def test_seeds_leave_the_callers_generators_alone():
    detector = Wrapped(dropout, 8, seeded=True)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    detector(X, detector.sample_noise(X, seeded()))
    assert torch.equal(torch.rand(4), expected)


def test_a_die_that_no_seed_reaches_is_refused():
    generator = seeded()
    with pytest.raises(ValueError, match="other scores at each call"):
        Wrapped(lambda x: scores(x) + torch.rand(len(x), generator=generator), 8, seeded=True)


def test_scores_that_depend_on_the_batch_are_refused_or_taken_singly():
    def relative(images: Tensor) -> Tensor:
        return scores(images) - scores(images).amax()

    with pytest.raises(ValueError, match=r"Wrapped\(model, 8, singly=True\)"):
        Wrapped(relative, 8)
    torch.testing.assert_close(Wrapped(relative, 8, singly=True)(X).pred_score, torch.zeros(3))


def test_a_module_scores_in_eval_mode_and_is_left_in_its_own():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(), nn.Flatten(), nn.Linear(192, 1))
    model[1].eval()
    means = model[0].running_mean.clone()
    found = Wrapped(model, 8)(X).pred_score
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert torch.equal(model[0].running_mean, means)
    torch.testing.assert_close(found, model.eval()(X).flatten())
    with pytest.raises(ValueError, match="give the module itself"):
        Wrapped(lambda x: model.train()(x), 8)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda x: {"score": scores(x)}, TypeError, "got dict"),
        (lambda x: x, ValueError, r"\(2,\) for 2 images, got \(2, 3, 8, 8\)"),
        (lambda x: scores(x).mean(), ValueError, r"for 2 images, got \(\)"),
        (lambda x: (scores(x), x), ValueError, r"maps must be \(B, 1, h, w\)"),
        (lambda x: (scores(x), "map"), TypeError, "got tuple"),
    ],
)
def test_other_outputs_are_explained(model, error, message):
    with pytest.raises(error, match=message):
        Wrapped(model, 8)


def test_a_std_of_zero_is_refused():
    with pytest.raises(ValueError, match="std > 0"):
        Wrapped(scores, 8, std=(1.0, 0.0, 1.0))


def test_without_parameters_there_still_is_a_device():
    assert Wrapped(scores, 8).device == torch.device("cpu")
    assert Wrapped(scores, 8).predict((X * 255).byte()).pred_score.shape == (3,)


def test_as_detector_takes_what_there_is(make_advrad):
    detector = make_advrad()
    assert as_detector(detector) is detector
    assert as_detector(detector, 16) is detector
    with pytest.raises(ValueError, match="takes 16"):
        as_detector(detector, 32)
    assert as_detector(scores, 8).settings["model"] == "scores"
    with pytest.raises(ValueError, match="image_size=None"):
        as_detector(scores)
    for wrong in (3, nn.Linear, "model.ckpt"):
        with pytest.raises(TypeError, match="got"):
            as_detector(wrong, 8)


def test_a_model_that_changes_what_it_is_given_is_attacked_as_one_that_does_not():
    def in_place(images: Tensor) -> Tensor:
        return scores(images.sub_(0.5).mul_(2))

    def beside(images: Tensor) -> Tensor:
        return scores((images - 0.5) * 2)

    labels = torch.tensor([False, True, False])
    found, wanted = (
        value_and_gradient(ScoreObjective(as_detector(model, 8), labels), X)
        for model in (in_place, beside)
    )
    assert torch.equal(found[0], wanted[0])
    assert torch.equal(found[1], wanted[1])


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Sequential(nn.Conv2d(1, 1, 8), nn.Flatten()), r"\(2, 3, 8, 8\) .* 1 channels"),
        (nn.Sequential(nn.Flatten(), nn.Linear(12, 1)), r"input_size=\.\.\.\) resizes"),
    ],
)
def test_a_model_that_fails_on_the_images_is_told_what_it_was_given(model, said):
    with pytest.raises(ValueError, match=said):
        as_detector(model, 8)


@pytest.mark.parametrize("answer", [lambda s: s > 0, lambda s: torch.complex(s, s)])
def test_answers_in_place_of_scores_are_refused(answer):
    with pytest.raises(TypeError, match=r"scores must be numbers .* got torch\."):
        as_detector(lambda images: answer(scores(images)), 8)


def test_a_model_that_seldom_answers_otherwise_is_refused():
    class Mirroring(nn.Module):
        asked = 0

        def forward(self, images):
            self.asked += 1
            return scores(images.flip(-1) if self.asked == 5 else images)

    with pytest.raises(ValueError, match="other scores at each call"):
        as_detector(Mirroring(), 8)


def test_a_model_in_half_precision_is_attacked_in_its_own():
    linear = nn.Linear(192, 1, bias=False)
    linear.weight.data = W.reshape(1, -1).clone()
    labels = torch.tensor([False, True, False])
    half = as_detector(nn.Sequential(nn.Flatten(), linear).half(), 8)
    value, gradient = value_and_gradient(ScoreObjective(half, labels), X)
    assert torch.allclose(value, scores(X) * torch.tensor([1, -1, 1]), rtol=1e-2, atol=1e-2)
    assert torch.equal(gradient[0], W.half().float())


@pytest.mark.parametrize("count", [1, 2, 4])
def test_seeds_of_other_images_are_refused(count):
    detector = Wrapped(lambda x: scores(x) + torch.rand(len(x)), 8, seeded=True)
    with pytest.raises(ValueError, match=f"noise is for {count} images, got 3"):
        detector(X, detector.sample_noise(torch.zeros(count, 3, 8, 8)))
