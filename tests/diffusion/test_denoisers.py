import json

import pytest
import torch
from diffusers import DDPMScheduler, UNet2DModel
from tiny_denoisers import normal, tiny_fast, tiny_paper

from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.denoisers import DENOISERS, FastDenoiser, PaperDenoiser, build_denoiser
from hardsight.diffusion.gaussian import (
    hybrid_loss,
    learned_log_variance,
    log_variance_range,
    q_sample,
    x0_from_eps,
)
from hardsight.diffusion.schedule import Schedule


@pytest.mark.parametrize(("size", "patch"), [(32, 1), (64, 1), (96, 2), (128, 2), (160, 4)])
def test_patch_follows_the_resolution(size, patch):
    denoiser = FastDenoiser(size, channels=4)
    assert denoiser.patch == patch
    assert denoiser.unet.config.in_channels == 3 * patch**2
    assert denoiser.unet.config.sample_size == size // patch


def test_the_designs_network_has_the_designs_size():
    denoiser = FastDenoiser(256, channels=64)
    assert sum(p.numel() for p in denoiser.parameters()) == 4_290_672
    assert denoiser.patch == 4


@pytest.mark.parametrize(("size", "more"), [(100, {}), (8, {"patch": 4}), (250, {"patch": 2})])
def test_a_size_that_does_not_fold_is_refused(size, more):
    with pytest.raises(ValueError, match="size must be a multiple of"):
        FastDenoiser(size, **more)


def test_forward_is_the_native_form_rescaled():
    denoiser = tiny_fast().double()
    x, noise = normal(2, 3, 16, 16).double(), normal(2, 3, 16, 16, seed=1).double()
    t = torch.tensor([30, 400])
    sigma = denoiser.schedule.sigma(t)
    native = denoiser.denoise(x + sigma.reshape(2, 1, 1, 1) * noise, sigma)
    torch.testing.assert_close(denoiser(q_sample(denoiser.schedule, x, t, noise), t), native)
    by_int = denoiser(q_sample(denoiser.schedule, x, 30, noise), 30)
    torch.testing.assert_close(by_int[:1], native[:1])
    assert denoiser.predict(x, t).log_variance is None


@pytest.mark.parametrize("make", [tiny_fast, tiny_paper])
def test_a_rank_may_slice_the_randomness(make):
    denoiser = make()
    x0 = normal(4, 3, 16, 16)
    randomness = denoiser.draw(x0.shape, torch.Generator().manual_seed(3))
    again = denoiser.draw(x0.shape, torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(randomness, again, strict=True))
    whole = denoiser.training_loss(x0, randomness)
    part = denoiser.training_loss(x0[1::2], tuple(r[1::2] for r in randomness))
    assert whole.shape == (4,)
    torch.testing.assert_close(whole[1::2], part, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [tiny_fast, tiny_paper])
def test_training_under_autocast_returns_float32(make):
    denoiser = make()
    x0 = normal(2, 3, 16, 16)
    randomness = denoiser.draw(x0.shape, torch.Generator().manual_seed(3))
    full = denoiser.training_loss(x0, randomness)
    with torch.autocast("cpu", torch.bfloat16):
        loss = denoiser.training_loss(x0, randomness)
        reconstruction = denoiser(x0, 100)
    assert loss.dtype == reconstruction.dtype == torch.float32
    torch.testing.assert_close(loss, full, rtol=0.05, atol=0.05)


def test_paper_defaults_are_those_of_improved_diffusion():
    with torch.device("meta"):  # 110 million parameters: shapes only
        denoiser = PaperDenoiser()
    config = denoiser.unet.config
    assert list(config.block_out_channels) == [128, 128, 256, 256, 512, 512]
    assert [i for i, b in enumerate(config.down_block_types) if b.startswith("Attn")] == [4]
    assert [i for i, b in enumerate(config.up_block_types) if b.startswith("Attn")] == [1]
    assert config.out_channels == 6
    assert config.resnet_time_scale_shift == "scale_shift"
    attention = denoiser.unet.mid_block.attentions[0]
    assert attention.heads == 1
    assert attention.group_norm is not None
    assert denoiser.unet.down_blocks[4].attentions[0].heads == 1
    assert sum(p.numel() for p in denoiser.parameters()) > 100e6


def test_paper_prediction_splits_noise_and_variance():
    denoiser = tiny_paper()
    x_t, t = normal(2, 3, 16, 16), torch.tensor([1, 300])
    with torch.no_grad():
        output = denoiser.unet(x_t, t - 1).sample  # diffusers counts from 0
        found = denoiser.predict(x_t, t)
    schedule = denoiser.schedule
    torch.testing.assert_close(found.x0, x0_from_eps(schedule, x_t, t, output[:, :3]))
    expected = learned_log_variance(output[:, 3:], schedule, t)
    torch.testing.assert_close(found.log_variance, expected)
    with torch.no_grad():
        torch.testing.assert_close(denoiser(x_t[1:], 300), found.x0[1:], rtol=1e-4, atol=1e-4)


def test_paper_prediction_agrees_with_the_diffusers_scheduler():
    """DDPMScheduler(learned_range), unclipped: the same x0 and the same variance."""
    denoiser = tiny_paper()
    scheduler = DDPMScheduler(variance_type="learned_range", clip_sample=False)
    x_t = normal(1, 3, 16, 16)
    with torch.no_grad():
        output = denoiser.unet(x_t, 99).sample
        found = denoiser.predict(x_t, 100)
    step = scheduler.step(output, 99, x_t, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.x0, step.pred_original_sample, rtol=1e-3, atol=1e-3)
    expected = scheduler._get_variance(99, predicted_variance=output[:, 3:])
    torch.testing.assert_close(found.log_variance, expected, rtol=1e-4, atol=1e-4)


def test_paper_loss_is_the_hybrid_loss():
    denoiser = tiny_paper()
    x0 = normal(2, 3, 16, 16).clamp(-1, 1)
    t, noise = randomness = denoiser.draw(x0.shape, torch.Generator().manual_seed(4))
    x_t = q_sample(denoiser.schedule, x0, t, noise)
    eps, v = denoiser.noise_and_variance(x_t, t)
    expected = hybrid_loss(denoiser.schedule, eps, v, x0, x_t, t, noise)
    torch.testing.assert_close(denoiser.training_loss(x0, randomness), expected)
    fixed = tiny_paper(learned_variance=False)
    eps, none = fixed.noise_and_variance(x_t, t)
    assert none is None
    simple = ((eps - noise) ** 2).mean((1, 2, 3))
    torch.testing.assert_close(fixed.training_loss(x0, randomness), simple)


def test_timesteps_are_uniform_over_the_whole_schedule():
    denoiser = tiny_paper(schedule=Schedule.linear(T=5))
    t, _ = denoiser.draw(torch.Size((5000, 1, 1, 1)), torch.Generator().manual_seed(0))
    counts = torch.bincount(t, minlength=6)
    assert counts[0] == 0
    assert bool((counts[1:] > 850).all())


@pytest.mark.parametrize("folder", ["unet", "."])
@pytest.mark.parametrize("learned", [True, False])
def test_from_diffusers_round_trip(tmp_path, folder, learned):
    original = tiny_paper(learned_variance=learned)
    original.unet.save_pretrained(tmp_path / folder, safe_serialization=True)
    loaded = PaperDenoiser.from_diffusers(tmp_path)
    x_t, t = normal(2, 3, 16, 16), torch.tensor([10, 900])
    with torch.no_grad():
        expected, found = original.predict(x_t, t), loaded.predict(x_t, t)
    assert torch.equal(found.x0, expected.x0)
    assert (found.log_variance is None) == (not learned)
    assert (loaded.size, loaded.image_channels) == (16, 3)
    rebuilt = build_denoiser(json.loads(json.dumps(loaded.config))).eval()
    rebuilt.load_state_dict(loaded.state_dict())
    with torch.no_grad():
        assert torch.equal(rebuilt(x_t, t), expected.x0)


def test_from_diffusers_reads_the_schedule_beside_the_network(tmp_path):
    tiny_paper().unet.save_pretrained(tmp_path / "unet")
    scheduler = DDPMScheduler(num_train_timesteps=50, beta_schedule="squaredcos_cap_v2")
    scheduler.save_pretrained(tmp_path / "scheduler")
    schedule = PaperDenoiser.from_diffusers(tmp_path).schedule
    torch.testing.assert_close(schedule.betas.float(), scheduler.betas)
    chosen = PaperDenoiser.from_diffusers(tmp_path, Schedule.linear(T=7)).schedule
    assert chosen.T == 7
    DDPMScheduler(prediction_type="v_prediction").save_pretrained(tmp_path / "scheduler")
    with pytest.raises(ValueError, match="prediction_type must be 'epsilon'"):
        PaperDenoiser.from_diffusers(tmp_path)
    DDPMScheduler(beta_schedule="sigmoid").save_pretrained(tmp_path / "scheduler")
    with pytest.raises(ValueError, match="beta_schedule must be one of"):
        PaperDenoiser.from_diffusers(tmp_path)
    for other in ({"trained_betas": [0.1, 0.2]}, {"rescale_betas_zero_snr": True}):
        DDPMScheduler(**other).save_pretrained(tmp_path / "scheduler")
        with pytest.raises(ValueError, match=f"{next(iter(other))} is not known here; pass"):
            PaperDenoiser.from_diffusers(tmp_path)


def test_from_diffusers_refuses_pickles_and_empty_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no config\.json"):
        PaperDenoiser.from_diffusers(tmp_path)
    tiny_paper().unet.save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(FileNotFoundError, match="pickles are not loaded"):
        PaperDenoiser.from_diffusers(tmp_path)


def test_networks_with_other_outputs_are_refused():
    config = dict(UNet2DModel(sample_size=8, block_out_channels=(32,) * 4).config)
    settings = {k: v for k, v in config.items() if not k.startswith("_")} | {"out_channels": 4}
    with pytest.raises(ValueError, match="out_channels must be 3"):
        PaperDenoiser(unet=settings)
    with pytest.raises(ValueError, match="size must be a multiple of"):
        PaperDenoiser(size=100)


@pytest.mark.parametrize("make", [tiny_fast, tiny_paper])
def test_config_round_trip(make):
    denoiser = make(schedule=Schedule.cosine(T=20))
    config = json.loads(json.dumps(denoiser.config))
    again = build_denoiser(config)
    again.load_state_dict(denoiser.state_dict())
    assert type(again) is DENOISERS[config["name"]]
    assert json.loads(json.dumps(again.config)) == config
    x_t = normal(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(again.eval()(x_t, 20), denoiser.eval()(x_t, 20))


def test_build_errors_and_the_bare_contract():
    with pytest.raises(ValueError, match="unknown denoiser 'slow'"):
        build_denoiser({"name": "slow"})
    with pytest.raises(TypeError, match="widht"):
        build_denoiser({"name": "fast", "size": 32, "widht": 3})
    with pytest.raises(TypeError, match="abstract"):
        Denoiser(Schedule.linear())

    class Bare(Denoiser):
        def forward(self, x_t, t):
            return x_t

    bare = Bare(Schedule.linear())
    for call in (
        lambda: bare.draw(torch.Size((1, 3, 8, 8)), torch.Generator()),
        lambda: bare.training_loss(normal(1, 3, 8, 8), ()),
        lambda: bare.config,
    ):
        with pytest.raises(TypeError, match="Bare"):
            call()


@pytest.mark.parametrize("make", [tiny_fast, tiny_paper])
def test_nothing_is_clamped(make):
    denoiser = make()
    far = (50 * normal(1, 3, 16, 16)).requires_grad_()
    out = denoiser(far, 500)
    (gradient,) = torch.autograd.grad(out.square().sum(), far)
    assert float(out.detach().abs().max()) > 1
    assert bool((gradient != 0).all())
    low, high = log_variance_range(denoiser.schedule, 500)
    assert float(low) < float(high)
