import pytest
import torch
from pydantic import ValidationError

from hardsight.training.settings import Settings, learning_rate


@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.1), (2000, 0.3), (37, 0.5), (20, 0.1)])
def test_one_cycle_is_torchs(steps, warmup):
    settings = Settings(steps=steps, warmup=warmup, lr=3e-4)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=3e-4, total_steps=steps, pct_start=warmup, cycle_momentum=False
    )
    for step in range(steps):
        assert learning_rate(settings, step) == pytest.approx(reference.get_last_lr()[0], rel=1e-9)
        if step < steps - 1:
            optimizer.step()
            reference.step()


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.2])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_every_schedule_rises_to_lr_and_stays_positive(schedule, warmup, steps):
    settings = Settings(steps=steps, warmup=warmup, schedule=schedule, lr=0.5)
    rates = [learning_rate(settings, s) for s in range(steps)]
    assert max(rates) == pytest.approx(0.5)
    assert min(rates) > 0
    top = max(range(steps), key=rates.__getitem__)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    if schedule == "constant":
        assert rates[top:] == [0.5] * (steps - top)
    else:
        assert rates[top:] == sorted(rates[top:], reverse=True)


def test_constant_and_cosine_by_hand():
    constant = Settings(steps=20, warmup=0.2, schedule="constant", lr=1.0)
    assert [learning_rate(constant, s) for s in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    cosine = Settings(steps=10, warmup=0, schedule="cosine", lr=1.0)
    assert learning_rate(cosine, 0) == 1
    assert learning_rate(cosine, 5) == pytest.approx(0.5)


def test_unknown_and_impossible_settings_are_refused():
    with pytest.raises(ValidationError, match="learning_rate"):
        Settings(learning_rate=1.0)
    with pytest.raises(ValidationError, match="multiple of devices = 2, got 3"):
        Settings(batch_size=3, devices=2)
    with pytest.raises(ValidationError, match="warmup"):
        Settings(warmup=1.0)


def test_differences_name_what_makes_another_run():
    settings = Settings(lr=0.1, devices=2)
    other = Settings(lr=0.2, devices=1, log_every=3).model_dump(mode="json")
    assert settings.differences(other) == ["lr"]
    assert settings.differences(settings.model_dump(mode="json")) == []
    assert settings.differences({**settings.model_dump(mode="json"), "gone": 1}) == ["gone"]


def test_cosine_ends_at_its_floor_as_torchs_does():
    settings = Settings(steps=20, schedule="cosine", warmup=0.0, lr=8e-4, floor=0.0125)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=8e-4)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=1e-5)
    for step in range(20):
        assert learning_rate(settings, step) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_a_field_that_an_older_run_did_not_know_is_at_its_default(field):
    old = Settings().model_dump(mode="json")
    del old[field]
    assert Settings().differences(old) == []


def test_a_field_that_an_older_run_did_not_know_counts_where_it_is_set():
    old = Settings().model_dump(mode="json")
    del old["floor"]
    assert Settings(floor=0.1).differences(old) == ["floor"]
