import pytest
import torch
from tiny_detector import HEAD, TINY, tiny_advrad, tiny_bastion, untrained_advrad, untrained_bastion

import hardsight.detectors.advrad.bastion as detector_module
import hardsight.detectors.advrad.scoring as scoring_module
from hardsight.attacks import ScoreObjective, value_and_gradient
from hardsight.attacks.objectives.score import SURROGATES
from hardsight.data import load
from hardsight.detectors import (
    AdversarialTraining,
    AdvRADFit,
    Bastion,
    BastionFit,
    MapHeadTraining,
    Scoring,
    Selection,
    Smoothed,
    Work,
)
from hardsight.detectors.advrad.bastion_fitting import fit_bastion
from hardsight.detectors.advrad.choice import score_map_filters
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.evidence import selection_score
from hardsight.detectors.held_out import shares
from hardsight.detectors.mean_filter import inner_mean_filter
from hardsight.training import Settings

TRAINING = Settings(steps=4, batch_size=2, precision="32-true", sample_every=None)
NONE = TRAINING.model_copy(update={"steps": 0})
HEAD_TRAINING = MapHeadTraining(steps=3, warm_up=2, smallest=0.2)
FIT = BastionFit(training=TRAINING, map_head_training=HEAD_TRAINING)
STILL = MapHeadTraining(steps=1, warm_up=0, lr=1e-12, smallest=0.2)


OPEN = {"channels": 8, "multipliers": [1, 1]}
"""Of a head whose patch is left open."""


def kept(start) -> BastionFit:
    """A fit that changes no network of its start."""
    return BastionFit(training=NONE, map_head_training=STILL, start=str(start))


def images(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def weights(*modules: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for m in modules for p in m.parameters()])


def test_the_score_is_advrads_and_the_map_the_heads():
    detector, x = tiny_bastion(map_filter_size=3), images()
    plain = tiny_advrad(margin=0.12, aggregation="top:0.0015", map_filter_size=3)
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
    detector = tiny_bastion()
    whole, bare = Smoothed(detector, 0.1), Smoothed(detector.advrad, 0.1)
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
    scoring = Scoring(k=40, filter_size=5, reference="deviation", aggregation="mean", margin=0.1)
    detector = detector.with_scoring(scoring, detector.statistics)
    detector.save_pretrained(tmp_path)
    loaded = Bastion.from_pretrained(tmp_path)
    noise = detector.sample_noise(images())
    for said, expected in zip(loaded(images(), noise), detector(images(), noise), strict=True):
        assert said is expected is None or torch.equal(said, expected)
    assert loaded.settings == detector.settings


def test_the_score_asks_for_no_map_and_the_map_for_no_filtered_errors(monkeypatch):
    detector, x = tiny_bastion(map_filter_size=3), images()
    calls = []
    for module in (detector_module, scoring_module):
        real = module.inner_mean_filter
        monkeypatch.setattr(
            module, "inner_mean_filter", lambda m, size, real=real: calls.append(m) or real(m, size)
        )
    detector(x)
    assert len(calls) == 1
    monkeypatch.setattr(detector.head, "maps", None)
    detector.score_only(x)


def test_weights_have_the_names_of_an_advrad_by_itself(tmp_path):
    """So files of before it was composed load, and an AdvRAD's are those of its part."""
    detector = tiny_bastion(fixed_noise=True)
    names = set(detector.state_dict())
    assert names > set(tiny_advrad(fixed_noise=True).state_dict())
    assert {n.split(".")[0] for n in names} == {
        "denoiser", "head", "map_mean", "map_spread", "known_noise",
    }  # fmt: skip
    inside = torch.nn.Sequential(detector)
    again = torch.nn.Sequential(untrained_bastion(fixed_noise=True, seed=5))
    again.load_state_dict(inside.state_dict())
    assert torch.equal(again[0](images()).pred_score, detector(images()).pred_score)


def test_the_head_is_trained_on_the_finished_denoiser_and_goes_on_where_it_was(tmp_path, parts):
    data = load(parts, size=16)
    plain = untrained_advrad().fit(data, AdvRADFit(training=TRAINING))
    first, again = (
        untrained_bastion().fit(data, FIT, Work(tmp_path / "a", resume)) for resume in (False, True)
    )
    assert torch.equal(weights(first.denoiser), weights(plain.denoiser))
    assert torch.equal(weights(first.head), weights(again.head))
    assert not torch.equal(weights(first.head), weights(untrained_bastion().head))
    assert float(first.head.spread) == float(again.head.spread) != 1
    assert first.calibration == again.calibration


def test_a_fit_leaves_the_detector_it_is_given_as_it_was(parts):
    detector, fresh = untrained_bastion(), untrained_bastion()
    fitted = fit_bastion(detector, load(parts, size=16), FIT, Work())
    assert fitted.detector.calibration == fitted.calibration
    assert detector.calibration is None
    for name, value in fresh.state_dict().items():
        assert torch.equal(detector.state_dict()[name], value)
        assert not torch.equal(fitted.detector.state_dict()[name], value) or value.numel() < 17


def test_a_start_gives_denoiser_and_head(tmp_path, parts):
    data = load(parts, size=16)
    first = untrained_bastion().fit(data, FIT)
    first.save_pretrained(tmp_path)
    second = untrained_bastion(seed=3).fit(data, kept(tmp_path))
    for name, network in first.networks.items():
        torch.testing.assert_close(weights(network), weights(second.networks[name]))


def test_the_head_of_a_start_keeps_its_patch_at_another_size(tmp_path, parts):
    """Left open it would be 1 here and 2 there."""
    untrained_bastion(image_size=72, head=OPEN).save_pretrained(tmp_path)
    data = load(parts, size=16)
    found = untrained_bastion(head=OPEN).fit(data, kept(tmp_path))
    assert found.head.patch == 2
    torch.testing.assert_close(weights(found.head), weights(Bastion.from_pretrained(tmp_path).head))
    found.save_pretrained(tmp_path / "again")
    assert Bastion.from_pretrained(tmp_path / "again").head.patch == 2
    with pytest.raises(
        ValueError, match=r"has detector\.head\.patch=2 \(here 4\); set what it has"
    ):
        untrained_bastion(head=OPEN | {"patch": 4}).fit(data, kept(tmp_path))


def test_the_start_of_a_bastion_may_be_an_advrad_and_the_other_way_round(tmp_path, parts):
    """What the start lacks is new, what it has beside is left."""
    data = load(parts, size=16)
    untrained_advrad(seed=7).save_pretrained(tmp_path / "advrad")
    found = untrained_bastion(seed=3).fit(data, kept(tmp_path / "advrad"))
    assert torch.equal(weights(found.denoiser), weights(untrained_advrad(seed=7).denoiser))
    torch.testing.assert_close(weights(found.head), weights(untrained_bastion(seed=3).head))
    untrained_bastion(seed=7).save_pretrained(tmp_path / "bastion")
    config = AdvRADFit(training=NONE, start=str(tmp_path / "bastion"))
    back = untrained_advrad(seed=3).fit(data, config)
    assert torch.equal(weights(back.denoiser), weights(untrained_advrad(seed=7).denoiser))


def test_starts_that_do_not_fit_are_refused(tmp_path, parts):
    data = load(parts, size=16)
    detector = untrained_bastion(head=HEAD | {"channels": 16})
    untrained_bastion().save_pretrained(tmp_path / "head")
    with pytest.raises(
        ValueError, match=r"head of start is another: it has .*head\.channels=8 \(here 16\)"
    ):
        detector.fit(data, kept(tmp_path / "head"))
    untrained_advrad(denoiser=TINY | {"channels": 16}).save_pretrained(tmp_path / "wide")
    with pytest.raises(
        ValueError, match=r"denoiser of start is another: it has .*channels=16 \(here 8"
    ):
        detector.fit(data, kept(tmp_path / "wide"))
    with pytest.raises(ValueError, match=r"start='.*nowhere' does not exist; .*finished run"):
        detector.fit(data, kept(tmp_path / "nowhere"))


def test_a_selection_filters_the_map_of_the_trained_head(parts):
    data = load(parts, size=16)
    chosen = Selection(
        ks=(50,), filter_sizes=(1, 3), map_filter_sizes=(1, 3, 5), images=4, attacked=4, steps=1,
        shortlist=1,
    )  # fmt: skip
    config = FIT.model_copy(update={"selection": chosen})
    fitted = fit_bastion(untrained_bastion(), data, config, Work())
    held_out, _ = shares(data.validation.images(), True)
    evidence = chosen.evidence(held_out, TRAINING.seed)
    detector, noise = fitted.detector, torch.Generator().manual_seed(TRAINING.seed)
    error_maps(detector, data.train.images(), noise)  # what a fit draws before
    found = score_map_filters(detector, evidence, chosen, noise)
    assert fitted.report.localising == found
    best = max(found, key=lambda s: selection_score(*found[s], chosen.robust_weight))
    assert detector.scoring.map_filter_size == best


def test_large_pictures_are_mapped_tile_by_tile(parts):
    detector = untrained_bastion(image_size=40, tile=16).fit(load(parts, size=40), FIT)
    x = torch.rand(1, 3, 40, 40)
    noise = detector.sample_noise(x, torch.Generator().manual_seed(0))
    with torch.no_grad():
        r = detector.reconstruct(x, noise).mean(1)
        expected = detector.head.maps(x, r, detector.tiles)
        torch.testing.assert_close(detector(x, noise).anomaly_map, expected)


def test_batches_of_one_image_are_refused():
    """The denoiser would see no pseudo-anomaly in them, and the head nothing else."""
    single = Settings(batch_size=1)
    with pytest.raises(ValueError, match="batch_size=1 has no place for a pseudo-anomaly"):
        AdvRADFit(training=single, adversarial_training=AdversarialTraining())
    with pytest.raises(ValueError, match="batch_size=1 would show the map head pseudo-anomalies"):
        BastionFit(training=single)
    AdvRADFit(training=single, adversarial_training=AdversarialTraining(anomalous=0))
