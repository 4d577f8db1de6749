import pytest
import torch
from tiny_detector import HEAD, TINY, tiny_bastion

from hardsight.attacks import ScoreObjective, value_and_gradient
from hardsight.attacks.objectives.score import SURROGATES
from hardsight.data import load
from hardsight.detectors import AdvRAD, Bastion, HeadTraining, Selection, Smoothed
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.advrad.scoring import inner_mean_filter
from hardsight.detectors.advrad.selection import localising
from hardsight.detectors.evidence import merit, shares
from hardsight.training import Settings

SMALL = {"denoiser": TINY, "head": HEAD, "image_size": 16, "filter_size": 3, "precision": "fp32"}
TRAINING = Settings(steps=4, batch_size=2, precision="32-true", sample_every=None)
HEAD_TRAINING = HeadTraining(steps=3, warm_up=2, smallest=0.2)


def images(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def weights(*modules: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for m in modules for p in m.parameters()])


def test_the_score_is_advrads_and_the_map_the_heads():
    detector, x = tiny_bastion(map_filter_size=3), images()
    plain = AdvRAD(
        denoiser=TINY,
        image_size=16,
        filter_size=3,
        margin=0.12,
        aggregation="top:0.0015",
        map_filter_size=3,
        precision="fp32",
    )
    own = {k: v for k, v in detector.state_dict().items() if not k.startswith("head.")}
    plain.load_state_dict(own)
    noise = detector.sample_noise(x, torch.Generator().manual_seed(1))
    found, expected = detector(x, noise), plain(x, noise)
    torch.testing.assert_close(found.pred_score, expected.pred_score)
    of_score = detector.score_only(x, noise)
    torch.testing.assert_close(of_score.pred_score, found.pred_score)
    torch.testing.assert_close(of_score.anomaly_map, expected.anomaly_map)
    logits = detector.head.maps(x, detector.reconstruct(x, noise).mean(1))
    torch.testing.assert_close(found.anomaly_map, inner_mean_filter(logits, 3))


def test_a_smoothed_one_is_asked_for_the_map_of_the_score():
    detector, plain = tiny_bastion(), tiny_bastion()
    plain.detect = lambda x, r: AdvRAD.detect(plain, x, r)  # as if there were no head
    whole, bare = Smoothed(detector, 0.1), Smoothed(plain, 0.1)
    noise = whole.sample_noise(images(), torch.Generator().manual_seed(1))
    found, expected = whole.score_only(images(), noise), bare(images(), noise)
    torch.testing.assert_close(found.pred_score, expected.pred_score)
    torch.testing.assert_close(found.anomaly_map, expected.anomaly_map)
    assert not torch.allclose(whole(images(), noise).anomaly_map, expected.anomaly_map)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_an_attack_of_the_score_is_one_of_the_error(surrogate):
    """Whatever the head says, the surrogates are of the map that the score was taken from."""
    detector, x = tiny_bastion(), images()
    objective = ScoreObjective(detector, torch.tensor([False, True]), 2, surrogate)
    value, gradient = value_and_gradient(objective, x, torch.Generator().manual_seed(0))
    assert (gradient.flatten(1).norm(dim=1) > 0).all()
    torch.nn.init.normal_(detector.head.unet.conv_out.weight)
    same, still = value_and_gradient(objective, x, torch.Generator().manual_seed(0))
    assert torch.equal(value, same)
    assert torch.equal(gradient, still)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    detector = tiny_bastion()
    detector.configure(
        k=40, average="error", filter_size=5, reference="deviation", aggregation="mean", margin=0.1
    )
    detector.save_pretrained(tmp_path)
    loaded = Bastion.from_pretrained(tmp_path)
    noise = detector.sample_noise(images())
    for said, expected in zip(loaded(images(), noise), detector(images(), noise), strict=True):
        assert said is expected is None or torch.equal(said, expected)
    assert loaded.settings == detector.settings


def test_the_head_is_trained_on_the_finished_denoiser_and_goes_on_where_it_was(tmp_path, parts):
    data = load(parts, size=16)
    plain = AdvRAD(**{k: v for k, v in SMALL.items() if k != "head"}).fit(data, TRAINING)
    first, again = (
        Bastion(**SMALL).fit(
            data, TRAINING, head_training=HEAD_TRAINING, folder=tmp_path / "a", resume=resume
        )
        for resume in (False, True)
    )
    assert torch.equal(weights(first.denoiser), weights(plain.denoiser))
    assert torch.equal(weights(first.head), weights(again.head))
    assert not torch.equal(weights(first.head), weights(Bastion(**SMALL).head))
    assert float(first.head.spread) == float(again.head.spread) != 1
    assert first.calibration == again.calibration


def test_a_start_gives_denoiser_and_head(tmp_path, parts):
    data = load(parts, size=16)
    first = Bastion(**SMALL).fit(data, TRAINING, head_training=HEAD_TRAINING)
    first.save_pretrained(tmp_path)
    kept = TRAINING.model_copy(update={"steps": 0})
    still = HeadTraining(steps=1, warm_up=0, lr=1e-12, smallest=0.2)
    second = Bastion(**SMALL, seed=3).fit(data, kept, head_training=still, start=tmp_path)
    torch.testing.assert_close(weights(*first.networks), weights(*second.networks))


def test_a_selection_filters_the_map_of_the_trained_head(parts):
    data = load(parts, size=16)
    chosen = Selection(
        ks=(50,), filter_sizes=(1, 3), map_filter_sizes=(1, 3, 5), images=4, attacked=4, steps=1,
        shortlist=1,
    )  # fmt: skip
    detector = Bastion(**SMALL).fit(data, TRAINING, chosen, head_training=HEAD_TRAINING)
    held_out, _ = shares(data.validation.images(), True)
    evidence = chosen.evidence(held_out, TRAINING.seed)
    side, noise = detector.map_filter_size, torch.Generator().manual_seed(TRAINING.seed)
    error_maps(detector, data.train.images(), noise)  # what a fit draws before
    found = localising(detector, evidence, chosen, noise)
    assert detector.report.localising == found
    assert side == max(found, key=lambda s: merit(*found[s], chosen.robust_weight))


def test_large_pictures_are_mapped_tile_by_tile(parts):
    settings = SMALL | {"image_size": 40, "tile": 16}
    detector = Bastion(**settings).fit(load(parts, size=40), TRAINING, head_training=HEAD_TRAINING)
    x = torch.rand(1, 3, 40, 40)
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    with torch.no_grad():
        r = detector.reconstruct(x, noise).mean(1)
        expected = detector.head.maps(x, r, detector.tiles)
        torch.testing.assert_close(detector(x, noise).anomaly_map, expected)
