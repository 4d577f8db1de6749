import pytest
import torch
from stopping import StopError, stop_at

from hardsight.attacks import PGD, Linf
from hardsight.augment import AugmentationPolicy
from hardsight.backbones import Backbone
from hardsight.detectors.finetuning import (
    FeatureShift,
    FineTuning,
    FineTuningTask,
    feature_shift,
    finetune_backbone,
)
from hardsight.detectors.fitted import Work
from hardsight.training import Settings

TRAINING = Settings(
    steps=25, batch_size=4, lr=3e-3, ema_decay=0.5, precision="32-true", accelerator="cpu",
    checkpoint_every=10, sample_every=None,
)  # fmt: skip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def backbone() -> Backbone:
    return Backbone(weights="random", taps=(0, 1), precision="fp32")


def images(n: int = 8) -> torch.Tensor:
    return (torch.rand(n, 3, 16, 16, generator=generator(1)) * 255).byte()


def task(model: Backbone) -> FineTuningTask:
    return FineTuningTask(model, images(), AugmentationPolicy(8), PGD(Linf(0.05), steps=2))


def shift(model: Backbone, original: Backbone, eps: float) -> float:
    """Mean shift of the features under an attack that training did not see."""
    x = images() / 255
    targets = [level.detach() for level in original(x)]
    if eps == 0:
        return float(feature_shift(model(x), targets).mean())
    attack = PGD(Linf(eps), steps=10)
    return float(attack(FeatureShift(model, targets), x, generator(9)).objective.mean())


def test_the_shift_is_relative_to_each_level():
    y = [torch.full((2, 3, 2, 2), 2.0), torch.full((2, 1, 1, 1), 10.0)]
    x = [y[0] + 1, y[1] + torch.tensor([0.0, 20.0]).view(2, 1, 1, 1)]
    assert feature_shift(x, y).tolist() == pytest.approx([(0.25 + 0) / 2, (0.25 + 4) / 2])


def test_the_loss_is_that_of_attacked_images_against_the_original_features():
    model = backbone()
    mine = task(model)
    rows = mine.batch(3, generator())
    x, original = rows[0] / 255, backbone()
    targets = [level.detach() for level in original(x)]
    seeded = generator(int(rows[1][0]))
    attacked = PGD(Linf(0.05), steps=2).last(FeatureShift(original, targets), x, seeded)
    found = mine.loss(*rows)
    torch.testing.assert_close(found, feature_shift(original(attacked), targets).mean())
    assert found > 0
    found.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert all(p.grad is None for p in mine.original.parameters())


def test_batch_norms_keep_their_statistics():
    model = backbone()
    before = {k: v.clone() for k, v in model.named_buffers()}
    mine = task(model)
    mine.module.train()
    mine.loss(*mine.batch(4, generator()))
    assert all(torch.equal(before[k], v) for k, v in model.named_buffers())


def test_an_attack_moves_the_features_less_and_the_weights_can_be_named(tmp_path):
    original = backbone()
    before = {k: v.clone() for k, v in original.state_dict().items()}
    config = FineTuning(eps=0.05, attack_steps=2, training=TRAINING)
    tuned = finetune_backbone(original, images(), config)
    assert all(torch.equal(before[k], v) for k, v in original.state_dict().items())
    assert shift(tuned, original, 0.05) < 0.9 * shift(original, original, 0.05)
    assert shift(tuned, original, 0.0) < shift(tuned, original, 0.05)
    assert not any(p.requires_grad for p in tuned.parameters())
    path = tuned.save(tmp_path / "robust.safetensors")
    again = Backbone(weights=str(path), taps=(0, 1), precision="fp32").pretrained()
    x = images() / 255
    assert all(torch.equal(a, b) for a, b in zip(again(x), tuned(x), strict=True))


def test_what_was_interrupted_goes_on_to_the_same_weights(tmp_path):
    training = TRAINING.model_copy(update={"steps": 4, "checkpoint_every": 2})
    config = FineTuning(eps=0.05, attack_steps=1, training=training)
    whole = finetune_backbone(backbone(), images(), config)
    with pytest.raises(StopError):
        finetune_backbone(
            backbone(), images(), config, Work(tmp_path, progress=stop_at(3, "fine-tuning"))
        )
    broken = finetune_backbone(backbone(), images(), config, Work(tmp_path, resume=True))
    mine, other = whole.state_dict(), broken.state_dict()
    assert all(torch.equal(mine[k], other[k]) for k in mine)


def test_an_attack_from_the_image_itself_is_refused():
    attack = PGD(Linf(0.1), random_start=False)
    with pytest.raises(ValueError, match="random_start"):
        FineTuningTask(backbone(), images(), AugmentationPolicy(8), attack)


@pytest.mark.parametrize("given", [images() / 255, images(0), images()[0], images()[:, :1]])
def test_what_are_no_images_of_8_bits_is_refused(given):
    """Floats in [0, 1] would be divided by 255, and all look black."""
    with pytest.raises(ValueError, match=r"images must be \(N, 3, H, W\) uint8, N >= 1, got"):
        finetune_backbone(backbone(), given, FineTuning(training=TRAINING))
