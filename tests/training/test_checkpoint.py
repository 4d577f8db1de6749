import logging
import os
import resource
import shutil

import pytest
import torch
from torch import nn

from hardsight.training import checkpoint
from hardsight.training.checkpoint import CheckpointError


def tensors(value=1.0, size=8):
    return {"model.weight": torch.full((size, 3), value), "ema.weight": torch.zeros(size, 3)}


def test_round_trip(tmp_path):
    info = {"settings": {"lr": 0.1}, "losses": [0.1, 1 / 3]}
    path = checkpoint.save(tmp_path / "new", 12, tensors(2.0), info)
    found = checkpoint.latest(tmp_path / "new")
    assert (found.path, found.step, found.info) == (path, 12, info)
    assert torch.equal(found.part("model")["weight"], torch.full((8, 3), 2.0))
    assert found.part("ema").keys() == {"weight"}


def test_shared_and_transposed_tensors_are_stored(tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    path = checkpoint.save(tmp_path, 1, {"a": weight, "b": weight, "c": weight.T}, {})
    found = checkpoint.load(path).tensors
    assert torch.equal(found["b"], weight)
    assert torch.equal(found["c"], weight.T)


def test_the_last_two_are_kept_and_nothing_else_is_left(tmp_path):
    for step in (5, 10, 100, 1000):
        checkpoint.save(tmp_path, step, tensors(), {})
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["step-00000100.safetensors", "step-00001000.safetensors"]


def test_an_empty_folder_has_no_latest(tmp_path):
    assert checkpoint.latest(tmp_path) is None
    assert checkpoint.latest(tmp_path / "missing") is None
    assert not checkpoint.exists(tmp_path)


def damage_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_header(path):
    path.write_bytes(path.read_bytes()[:5])


def damage_garbage(path):
    path.write_bytes(os.urandom(500))


def damage_empty(path):
    path.write_bytes(b"")


def damage_foreign(path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(3)}, path)


@pytest.mark.parametrize(
    "damage", [damage_half, damage_header, damage_garbage, damage_empty, damage_foreign]
)
def test_a_damaged_checkpoint_is_skipped_with_a_warning(tmp_path, damage, caplog):
    good = checkpoint.save(tmp_path, 5, tensors(), {})
    bad = checkpoint.save(tmp_path, 10, tensors(), {})
    damage(bad)
    with caplog.at_level(logging.WARNING):
        assert checkpoint.latest(tmp_path).path == good
    assert bad.name in caplog.text
    with pytest.raises(CheckpointError, match=bad.name):
        checkpoint.load(bad)


def test_saving_beside_a_damaged_later_one_keeps_two_good_ones(tmp_path):
    for step in (5, 10, 90):
        checkpoint.save(tmp_path, step, tensors(), {})
    damage_half(tmp_path / "step-00000090.safetensors")
    checkpoint.save(tmp_path, 20, tensors(), {})
    assert checkpoint.latest(tmp_path).step == 20
    assert (tmp_path / "step-00000010.safetensors").exists()


def test_a_failed_write_leaves_the_last_good_one(tmp_path):
    """The kernel refuses to let the file grow: as on a full disk, the write itself fails."""
    good = checkpoint.save(tmp_path, 5, tensors(), {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        with pytest.raises(CheckpointError) as caught:
            checkpoint.save(tmp_path, 10, tensors(size=100_000), {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    message = str(caught.value)
    assert "step-00000010.safetensors" in message
    assert "needs 2.3 MiB" in message
    assert f"{good} stands" in message
    assert [p.name for p in tmp_path.iterdir()] == [good.name]
    assert checkpoint.latest(tmp_path).step == 5
    assert checkpoint.save(tmp_path, 10, tensors(size=100_000), {}).exists()


def test_a_leftover_of_a_killed_write_is_no_checkpoint(tmp_path):
    good = checkpoint.save(tmp_path, 5, tensors(), {})
    shutil.copy(good, tmp_path / "step-00000010.part")
    assert checkpoint.latest(tmp_path).step == 5
    checkpoint.save(tmp_path, 15, tensors(), {})
    assert not (tmp_path / "step-00000010.part").exists()


def test_a_model_that_does_not_fit_is_named(tmp_path):
    path = checkpoint.save(tmp_path, 1, {"weight": torch.zeros(2, 3), "old": torch.zeros(1)}, {})
    stored = checkpoint.load(path).tensors
    model = nn.Linear(4, 2)
    before = model.weight.clone()
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load_into(model, stored, path)
    message = str(caught.value)
    for part in (path.name, "lacks bias", "no old", "weight ((2, 3), not (2, 4))"):
        assert part in message
    assert torch.equal(model.weight, before)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_optimiser_state_round_trip(tmp_path, kind):
    def steps(model, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            (model(torch.ones(1, 3)) ** 2).sum().backward()
            optimizer.step()

    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = kind(model.parameters(), lr=0.1)
    steps(model, optimizer, 3)
    path = checkpoint.save(
        tmp_path,
        3,
        {f"m.{k}": v for k, v in model.state_dict().items()}
        | {f"o.{k}": v for k, v in checkpoint.optimizer_tensors(optimizer).items()},
        {},
    )
    steps(model, optimizer, 3)
    other = nn.Linear(3, 2)
    resumed = kind(other.parameters(), lr=0.1)
    stored = checkpoint.load(path)
    checkpoint.load_into(other, stored.part("m"), path)
    checkpoint.load_optimizer(resumed, stored.part("o"))
    steps(other, resumed, 3)
    assert torch.equal(model.weight, other.weight)
