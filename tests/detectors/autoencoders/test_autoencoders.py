"""What holds of every autoencoder."""

import copy

import pytest
import torch
from tiny_autoencoders import OWN, RECORDS, tiny, tiny_config

from hardsight.core.capabilities import Reconstructing
from hardsight.data import load
from hardsight.detectors import demand_gradient
from hardsight.detectors.autoencoders.detection import squared_error
from hardsight.detectors.fitted import Work
from hardsight.metrics import auroc, pixel_auroc
from hardsight.training import checkpoint


@pytest.fixture(scope="module")
def data(parts):
    return load(parts, size=16)


@pytest.fixture(scope="module", params=OWN, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kind, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp(kind.__name__)
    work = Work(folder / "training")
    made = tiny(kind)
    before = {k: v.clone() for k, v in made.state_dict().items()}
    found = RECORDS[kind].fit(made, data, tiny_config(kind), work)
    assert all(torch.equal(before[k], v) for k, v in made.state_dict().items())
    return found.detector, folder


def images(n, seed=0):
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_gradients_agree_with_finite_differences(fitted):
    detector, _ = fitted
    for model in (detector, tiny(type(detector))):
        demand_gradient(model, 0.1 + 0.8 * images(2), torch.Generator().manual_seed(0))


def test_a_fit_tells_a_spot_from_normal_images(fitted, data):
    detector, folder = fitted
    found = detector.decide(data.test.images())
    labels = data.test.labels
    assert auroc(found.pred_score.double().numpy(), labels) == 1
    assert pixel_auroc(found.anomaly_map.double().numpy(), data.test.masks()) > 0.9
    assert found.pred_label[torch.from_numpy(labels)].all()
    assert (folder / "training/samples/step-00000012.png").is_file()


def test_a_saved_detector_scores_bit_for_bit_the_same(fitted):
    detector, folder = fitted
    detector.save_pretrained(folder / "saved")
    again = type(detector).from_pretrained(folder / "saved")
    assert again.settings == detector.settings
    assert again.calibration == detector.calibration
    x = images(3)
    for mine, other in zip(detector.predict(x), again.predict(x), strict=True):
        assert torch.equal(mine, other)


def test_a_resumed_fit_goes_on_to_the_same_weights(fitted, kind, data):
    """Stopped after its twelfth step, whose checkpoint is there, and gone on with."""
    whole, folder = fitted

    class StopError(Exception):
        pass

    def stop(stage, done, total, info=""):
        if done == 13:
            raise StopError

    fit, config, place = RECORDS[kind].fit, tiny_config(kind), folder / "broken"
    with pytest.raises(StopError):
        fit(tiny(kind), data, config, Work(place, progress=stop))
    assert checkpoint.latest(place / "checkpoints").step == 12
    again = fit(tiny(kind), data, config, Work(place, resume=True)).detector.state_dict()
    assert all(torch.equal(again[k], v) for k, v in whole.state_dict().items())


def test_a_score_is_the_images_own(fitted):
    detector, _ = fitted
    x = images(5)
    together = detector(x)
    alone = torch.cat([detector(x[i : i + 1]).pred_score for i in range(5)])
    torch.testing.assert_close(together.pred_score, alone, rtol=1e-5, atol=1e-7)
    assert together.anomaly_map.shape == (5, 1, 16, 16)


def test_bfloat16_rounds_a_score_and_does_no_more(fitted, data):
    detector, _ = fitted
    rounded = copy.deepcopy(detector)
    rounded.precision = "bf16"
    x = data.test.images()
    mine, other = (d.predict(x).pred_score for d in (detector, rounded))
    assert not torch.equal(mine, other)
    torch.testing.assert_close(mine, other, rtol=0.05, atol=0)


def test_reconstructions_are_one_draw_of_the_images_shape(fitted):
    detector, _ = fitted
    assert isinstance(detector, Reconstructing)
    assert detector.reconstruct(images(2)).shape == (2, 1, 3, 16, 16)


def test_the_seed_decides_the_weights(kind):
    torch.manual_seed(5)  # the global generator must not matter
    weights = [torch.cat([p.flatten() for p in tiny(kind, seed=s).parameters()]) for s in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_too_many_false_alarms_are_refused_before_the_training(kind, data, tmp_path):
    config = tiny_config(kind).model_copy(update={"false_alarms": 0.001})
    with pytest.raises(ValueError, match="999"):
        RECORDS[kind].fit(tiny(kind), data, config, Work(tmp_path / "work"))
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"network": {"levels": 5}}, "image_size=16 is not a multiple of 32"),
        ({"network": {"depth": 5}}, "network has no depth; known are channels, widest, levels"),
        ({"network": {"channels": 6, "levels": 2}}, "channels must be a multiple of 4, got 6"),
        ({"network": {"levels": 0}}, "need levels >= 1 and latent >= 1, got 0 and 64"),
        ({"filter_size": 4}, "filter_size must be odd and positive, got 4"),
    ],
)
def test_settings_out_of_range_are_refused(kind, changed, message):
    with pytest.raises(ValueError, match=message):
        tiny(kind, **changed)


def test_a_squared_error_is_the_mean_over_channels():
    x, r = images(2), images(2, seed=1)
    assert torch.equal(squared_error(x, r)[:, 0], ((x - r) ** 2).mean(1))
