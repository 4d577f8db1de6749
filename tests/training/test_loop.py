import json
import multiprocessing
import os
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_task import PictureTask, TinyTask, die_at, same, tiny_settings
from torch import nn

from hardsight.core.precision import Precision, resolve
from hardsight.core.progress import quiet
from hardsight.training import checkpoint
from hardsight.training.checkpoint import CheckpointError
from hardsight.training.ema import Ema
from hardsight.training.logs import read
from hardsight.training.loop import complete, step_seed, train, write_picture
from hardsight.training.settings import learning_rate
from hardsight.training.state import TrainingError


def test_a_run_writes_what_it_says(tmp_path):
    task, seen = PictureTask(), []
    settings = tiny_settings(sample_every=12)
    result = train(task, settings, tmp_path, on_step=seen.append)
    assert (result.step, result.interrupted) == (24, False)
    assert [r.step for r in seen] == list(range(1, 25))
    assert seen[-1].loss == result.loss < seen[0].loss
    records = read(tmp_path / "train.jsonl")
    assert [r.step for r in records] == [4, 8, 12, 16, 20, 24]
    for i, record in enumerate(records):
        assert record.loss == pytest.approx(np.mean([r.loss for r in seen[4 * i : 4 * i + 4]]))
        assert record.lr == learning_rate(settings, record.step - 1)
        assert record.images_per_second > 0
    kept = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert kept == ["step-00000020.safetensors", "step-00000024.safetensors"]
    assert result.checkpoint == tmp_path / "checkpoints" / kept[-1]
    pictures = sorted((tmp_path / "samples").iterdir())
    assert [p.name for p in pictures] == ["step-00000012.png", "step-00000024.png"]
    with torch.no_grad():
        expected = (task.sample(task.module).clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(np.asarray(Image.open(pictures[1])), expected)


def test_a_complete_training_is_where_its_module_is(tmp_path):
    complete(TinyTask(), tiny_settings(accelerator="auto"), tmp_path / "a", "a", quiet)
    found = checkpoint.latest(tmp_path / "a" / "checkpoints")
    assert found.info["settings"]["accelerator"] == "cpu"
    with pytest.raises(ValueError, match=r"accelerator=cuda, but what is trained is on cpu: move"):
        complete(TinyTask(), tiny_settings(accelerator="cuda"), tmp_path / "b", "b", quiet)
    assert not (tmp_path / "b").exists()


def test_a_complete_training_tells_of_every_step(tmp_path):
    task, told = TinyTask(), []
    complete(task, tiny_settings(), tmp_path, "denoiser", lambda *event: told.append(event))
    assert [(stage, step, of) for stage, step, of, _ in told] == [
        ("denoiser", i, 24) for i in range(1, 25)
    ]
    losses = [float(words.removeprefix("loss ")) for *_, words in told]
    means = [r.loss for r in read(tmp_path / "train.jsonl")]
    assert np.mean(np.reshape(losses, (6, 4)), axis=1) == pytest.approx(means, abs=1e-4)
    straight = TinyTask()
    train(straight, tiny_settings(), tmp_path / "straight")
    assert same(task.module, straight.module)


def test_a_training_asked_to_stop_is_not_complete(tmp_path):
    def stop(stage, step, of, unit):
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        complete(TinyTask(), tiny_settings(), tmp_path, "denoiser", stop)
    kept = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert kept[-1] < "step-00000024.safetensors"


def test_a_picture_is_written_as_it_is_seen(tmp_path):
    picture = torch.tensor([[[0.0, 2.0]], [[0.5, -1.0]], [[1.0, 0.25]]])
    write_picture(picture, tmp_path / "new" / "a.png")
    assert np.asarray(Image.open(tmp_path / "new" / "a.png")).tolist() == [
        [[0, 128, 255], [255, 0, 64]]
    ]


def test_the_loop_is_plain_adamw(tmp_path):
    """Re-derived without Fabric: the same weights, and their average by its recursion."""
    settings = tiny_settings(weight_decay=0.1, gradient_clip=0.5, ema_decay=0.6)
    task = TinyTask()
    train(task, settings, tmp_path)
    other = TinyTask()
    weights = list(other.module.parameters())
    average = [w.detach().clone() for w in weights]
    optimizer = torch.optim.AdamW(weights, weight_decay=0.1)
    for step in range(24):
        generator = torch.Generator().manual_seed(step_seed(0, step))
        optimizer.param_groups[0]["lr"] = learning_rate(settings, step)
        optimizer.zero_grad()
        other.loss(*other.batch(4, generator)).backward()
        nn.utils.clip_grad_norm_(weights, 0.5)
        optimizer.step()
        kept = min(0.6, (2 + step) / (11 + step))
        average = [
            kept * a + (1 - kept) * w.detach() for a, w in zip(average, weights, strict=True)
        ]
    stored = checkpoint.latest(tmp_path / "checkpoints").part("model")
    for name, value in other.module.state_dict().items():
        torch.testing.assert_close(stored[name], value)
    for found, expected in zip(task.module.parameters(), average, strict=True):
        torch.testing.assert_close(found, expected)
    assert not task.module.training


def test_the_average_has_the_warm_up_it_says():
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    ema, expected = Ema(module, 0.9), 0.0
    for n in range(1, 200):
        nn.init.constant_(module.weight, float(n))
        ema.update(module, n)
        kept = min(0.9, (1 + n) / (10 + n))
        expected = kept * expected + (1 - kept) * n
    assert float(ema.module.weight) == pytest.approx(expected, rel=1e-5)
    assert float(ema.module.weight) == pytest.approx(199 - 9, rel=1e-3)  # the lag of decay 0.9


def test_killed_and_resumed_is_bit_equal(tmp_path):
    """SIGKILL at step 13 of 24, with dropout and batch norm; checkpoints at 5 and 10."""
    whole = TinyTask(dropout=0.2)
    train(whole, tiny_settings(), tmp_path / "whole")
    process = multiprocessing.get_context("fork").Process(
        target=train,
        args=(TinyTask(dropout=0.2), tiny_settings(), tmp_path / "killed"),
        kwargs={"on_step": die_at(13)},
    )
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    assert checkpoint.latest(tmp_path / "killed" / "checkpoints").step == 10
    assert [r.step for r in read(tmp_path / "killed" / "train.jsonl")] == [4, 8, 12]
    resumed = TinyTask(dropout=0.2)
    result = train(resumed, tiny_settings(), tmp_path / "killed", resume=True)
    assert result.step == 24
    assert same(whole.module, resumed.module)
    stored = [checkpoint.latest(tmp_path / n / "checkpoints") for n in ("whole", "killed")]
    assert stored[0].tensors.keys() == stored[1].tensors.keys()
    assert all(torch.equal(v, stored[1].tensors[k]) for k, v in stored[0].tensors.items())
    curves = [
        [(r.step, r.loss) for r in read(tmp_path / n / "train.jsonl")] for n in ("whole", "killed")
    ]
    assert curves[0] == curves[1]


def test_resuming_skips_a_half_written_checkpoint(tmp_path):
    whole = TinyTask()
    train(whole, tiny_settings(), tmp_path)
    last = tmp_path / "checkpoints" / "step-00000024.safetensors"
    last.write_bytes(last.read_bytes()[:100])
    resumed, seen = TinyTask(), []
    train(resumed, tiny_settings(), tmp_path, resume=True, on_step=lambda r: seen.append(r.step))
    assert seen == [21, 22, 23, 24]
    assert same(whole.module, resumed.module)


def test_a_finished_run_resumes_to_itself(tmp_path):
    task, again, seen = TinyTask(), TinyTask(), []
    first = train(task, tiny_settings(), tmp_path)
    second = train(again, tiny_settings(), tmp_path, resume=True, on_step=seen.append)
    assert seen == []
    assert second == first._replace(loss=None)
    assert same(task.module, again.module)


def test_nothing_is_overwritten_or_mixed(tmp_path):
    train(TinyTask(), tiny_settings(), tmp_path)
    before = (tmp_path / "train.jsonl").read_bytes()
    with pytest.raises(FileExistsError, match="pass resume=True"):
        train(TinyTask(), tiny_settings(), tmp_path)
    with pytest.raises(ValueError, match=r"differ .* had {'lr': 0.01}"):
        train(TinyTask(), tiny_settings(lr=0.5), tmp_path, resume=True)
    other = TinyTask()
    other.module[0] = nn.Conv2d(1, 4, 5, padding=2)
    with pytest.raises(CheckpointError, match="does not fit the Sequential"):
        train(other, tiny_settings(), tmp_path, resume=True)
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"no checkpoint in .* can be read"):
        train(TinyTask(), tiny_settings(), tmp_path, resume=True)
    assert (tmp_path / "train.jsonl").read_bytes() == before


def test_resume_starts_a_run_that_has_no_checkpoint_yet(tmp_path):
    assert train(TinyTask(), tiny_settings(steps=2), tmp_path, resume=True).step == 2


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_nan_loss_stops_the_run_and_the_last_checkpoint_stands(clip, tmp_path):
    with pytest.raises(TrainingError) as caught:
        train(TinyTask(poison_at=13), tiny_settings(gradient_clip=clip), tmp_path)
    assert "the loss is nan at step 13 of 24" in str(caught.value)
    assert "step-00000010.safetensors stands" in str(caught.value)
    last = checkpoint.latest(tmp_path / "checkpoints")
    assert last.step == 10
    assert all(bool(torch.isfinite(v).all()) for v in last.tensors.values())
    whole, resumed = TinyTask(), TinyTask()
    train(whole, tiny_settings(gradient_clip=clip), tmp_path / "whole")
    train(resumed, tiny_settings(gradient_clip=clip), tmp_path, resume=True)
    assert same(whole.module, resumed.module)


def test_weights_that_broke_after_a_finite_loss_are_not_saved(tmp_path):
    class BadGradient(TinyTask):
        def loss(self, x, noise):
            broken = (x.detach() * 0).requires_grad_() if self.batches == 5 else None
            loss = super().loss(x, noise)
            if broken is None:
                return loss
            return loss + (self.module[0].weight * 0).sqrt().sum()  # finite, gradient 0 * inf

    with pytest.raises(TrainingError, match=r"the weights .* are not finite"):
        train(BadGradient(), tiny_settings(), tmp_path)
    assert checkpoint.latest(tmp_path / "checkpoints") is None


def test_training_leaves_the_global_generator_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    task = TinyTask.__new__(TinyTask)
    task.module, task.batches, task.poison_at = nn.Conv2d(1, 1, 1), 0, None
    torch.manual_seed(5)
    train(task, tiny_settings(steps=3), tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_seeds_differ_by_seed_step_and_stream():
    seeds = {step_seed(a, b, c) for a in range(5) for b in range(50) for c in range(3)}
    assert len(seeds) == 5 * 50 * 3


def test_the_batch_stays_exact_under_bfloat16(tmp_path):
    """Autocast is for the network: the images and the noise must not be rounded on the way in."""

    class Exact(TinyTask):
        def batch(self, size, generator):
            self.drawn = super().batch(size, generator)
            return self.drawn

        def loss(self, x, noise):
            assert torch.equal(x, self.drawn[0])
            assert torch.equal(noise, self.drawn[1])
            output = self.module(x)
            assert output.dtype == torch.bfloat16
            return (output.float() - x).square().mean()

    assert train(Exact(), tiny_settings(precision="bf16-mixed"), tmp_path).step == 24


def test_a_resumed_run_keeps_the_precision_it_began_with(tmp_path):
    def stop(record):
        if record.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    first = train(TinyTask(), tiny_settings(precision="auto"), tmp_path, on_step=stop)
    assert first.precision == resolve("auto", torch.device("cpu"))
    other = "fp32" if first.precision.low else "bf16"
    state = checkpoint.load(first.checkpoint)
    kept = state.info | {"precision": {"name": other, "why": "it began elsewhere"}}
    checkpoint.save(tmp_path / "checkpoints", state.step, state.tensors, kept)
    task, seen = TinyTask(), []
    loss = task.loss

    def watched(x, noise):
        seen.append(task.module(x).dtype)
        return loss(x, noise)

    task.loss = watched
    end = train(task, tiny_settings(precision="auto"), tmp_path, resume=True)
    assert end.precision == Precision(other, "it began elsewhere")
    assert set(seen) == {torch.float32 if other == "fp32" else torch.bfloat16}


def test_settings_travel_with_the_checkpoint(tmp_path):
    result = train(TinyTask(), tiny_settings(steps=3), tmp_path)
    info = checkpoint.load(result.checkpoint).info
    assert info["settings"] == tiny_settings(steps=3).model_dump(mode="json")
    json.dumps(info)
