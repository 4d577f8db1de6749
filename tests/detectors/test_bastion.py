import pytest
import torch
from tiny_detector import HEAD, TINY, tiny_bastion

from hardsight.attacks import ScoreObjective, value_and_gradient
from hardsight.data import load
from hardsight.detectors import DESIGNS, Bastion, Game, Selection
from hardsight.detectors.scoring import aggregate, mean_filter
from hardsight.training import Settings

SMALL = {"denoiser": TINY, "head": HEAD, "image_size": 16, "filter_size": 3, "precision": "fp32"}
TRAINING = Settings(steps=4, batch_size=2, precision="32-true", sample_every=None)
GAME = Game(steps=3, warm_up=2, k_low=80, k_high=120, smallest=0.2)


def images(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def detector():
    return tiny_bastion()


@pytest.mark.parametrize("average", ["reconstruction", "error"])
def test_the_score_is_the_filtered_logits_largest(detector, average):
    detector.configure(
        k=50, average=average, filter_size=3, reference="error", aggregation="top:0.1"
    )
    x = images()
    noise = detector.sample_noise(x, torch.Generator().manual_seed(1))
    found, r = detector(x, noise), detector.reconstruct(x, noise)
    each = torch.stack([detector.head.maps(x, r[:, d]) for d in range(2)]).mean(0)
    together = detector.head.maps(x, r.mean(1))
    maps = mean_filter(together if average == "reconstruction" else each, 3)
    torch.testing.assert_close(found.anomaly_map, maps)
    torch.testing.assert_close(found.pred_score, aggregate(maps, "top:0.1"))


def test_it_is_attacked_through_denoiser_and_head(detector):
    x = images()
    objective = ScoreObjective(detector, torch.tensor([False, True]), draws=2)
    _, gradient = value_and_gradient(objective, x, torch.Generator().manual_seed(0))
    assert (gradient.flatten(1).norm(dim=1) > 0).all()
    for part in detector.networks:
        before = [p.clone() for p in part.parameters()]
        with torch.no_grad():
            for p in part.parameters():
                p.zero_()
        _, changed = value_and_gradient(objective, x, torch.Generator().manual_seed(0))
        assert not torch.equal(changed, gradient)
        with torch.no_grad():
            for p, b in zip(part.parameters(), before, strict=True):
                p.copy_(b)


def test_a_margin_and_several_shots_are_refused(detector, parts):
    scoring = {"k": 50, "average": "error", "filter_size": 3, "reference": "error"}
    with pytest.raises(ValueError, match=r"margin=0\.1"):
        detector.configure(**scoring, aggregation="max", margin=0.1)
    with pytest.raises(ValueError, match="shots=2"):
        detector.configure(**scoring, aggregation="max", shots=2)
    with pytest.raises(ValueError, match="margins"):
        detector.fit(load(parts, size=16), TRAINING, Selection(margins=(0.0, 0.1)))


def test_saved_and_loaded_it_is_the_same(detector, tmp_path):
    detector.fit_reference(torch.rand(4, 1, 16, 16))
    detector.configure(k=40, average="error", filter_size=5, reference="excess", aggregation="mean")
    detector.save_pretrained(tmp_path)
    loaded = Bastion.from_pretrained(tmp_path)
    noise = detector.sample_noise(images())
    torch.testing.assert_close(loaded(images(), noise), detector(images(), noise))
    assert loaded.settings == detector.settings


def test_fit_plays_after_the_training_and_goes_on_where_it_was(tmp_path, parts):
    data = load(parts, size=16)
    first, again = (
        Bastion(**SMALL).fit(data, TRAINING, game=GAME, folder=tmp_path / "a", resume=resume)
        for resume in (False, True)
    )
    other = Bastion(**SMALL).fit(
        data, TRAINING, game=GAME.model_copy(update={"steps": 4}), folder=tmp_path / "b"
    )
    for part in range(2):
        weights = [
            torch.cat([p.flatten() for p in d.networks[part].parameters()])
            for d in (first, again, other)
        ]
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])
    assert torch.equal(first.head.mean, again.head.mean)


def test_a_start_gives_denoiser_and_head(tmp_path, parts):
    data = load(parts, size=16)
    first = Bastion(**SMALL).fit(data, TRAINING, game=GAME)
    first.save_pretrained(tmp_path)
    kept = Settings(steps=0, batch_size=2, precision="32-true", sample_every=None)
    game = GAME.model_copy(update={"warm_up": 0, "steps": 1, "lr": 1e-12})
    second = Bastion(**SMALL, seed=3).fit(data, kept, game=game, start=tmp_path)
    for a, b in zip(first.networks, second.networks, strict=True):
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(p, q, atol=1e-6, rtol=0)


def test_large_pictures_are_judged_tile_by_tile(parts):
    settings = SMALL | {"image_size": 40, "tile": 16}
    detector = Bastion(**settings).fit(load(parts, size=40), TRAINING, game=GAME)
    assert detector.head.mean.std() == 0  # one reference for all places of a tile
    found = detector.predict(torch.rand(1, 3, 40, 40))
    assert found.anomaly_map.shape == (1, 1, 40, 40)


def test_smoothed_by_its_own_noise_it_is_refused(detector):
    with pytest.raises(TypeError, match="Bastion"):
        DESIGNS["denoise"](detector, images(4), 0.125, None)
