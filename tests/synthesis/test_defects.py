import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Generator, Tensor

from hardsight.synthesis import DEFECTS, UnseenError, add_defect
from hardsight.synthesis.shapes import blob, box, fibre, scratch


def surface(side: int = 128, colour: bool = True, seed: int = 0) -> Tensor:
    """A rough, patchy surface on the 8-bit grid."""
    rng = np.random.default_rng(seed)
    planes = [rng.normal(size=(side, side)) for _ in range(3 if colour else 1)]
    rough = [0.5 + 0.5 * gaussian_filter(p, 2) + 0.02 * p for p in planes] * (1 if colour else 3)
    image = torch.from_numpy(np.stack(rough)).float().clamp(0, 1)
    return (image * 255).round() / 255


def seeded(seed: int) -> Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", DEFECTS)
@pytest.mark.parametrize("severity", [0.05, 0.5, 1.0])
def test_the_mask_is_what_changed(kind: str, severity: float) -> None:
    for seed in range(6):
        image = surface(seed=seed, colour=seed % 2 == 0)
        defective, mask = DEFECTS[kind](image, seeded(seed), severity)
        assert defective.shape == image.shape
        assert (mask.dtype, mask.shape) == (torch.bool, (1, 128, 128))
        assert 0 <= defective.min() <= defective.max() <= 1
        change = (defective - image).abs().amax(0, keepdim=True)
        assert torch.equal(mask, change > 0)
        assert torch.equal(mask, change > 1 / 255)
        bytes_changed = ((defective * 255).round() != (image * 255).round()).any(0, keepdim=True)
        assert torch.equal(mask, bytes_changed)  # 8-bit files show exactly the mask
        assert 4 <= mask.sum() < 0.4 * mask.numel()
        if seed % 2:
            assert torch.equal(defective[0], defective[1])  # a grey image stays grey


@pytest.mark.parametrize("kind", DEFECTS)
def test_the_generator_decides(kind: str) -> None:
    image = surface()
    first = add_defect(image, seeded(1), kind)
    second = add_defect(image, seeded(1), kind)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert first[2] == second[2] == kind
    assert not torch.equal(first[0], add_defect(image, seeded(2), kind)[0])


@pytest.mark.parametrize("kind", DEFECTS)
def test_severity_makes_it_larger(kind: str) -> None:
    image = surface()

    def area(severity: float) -> float:
        masks = [DEFECTS[kind](image, seeded(s), severity)[1] for s in range(12)]
        return float(torch.stack(masks).float().mean())

    assert area(0.1) < area(0.5) < area(1.0)


def test_no_gradient_and_the_image_is_left_alone() -> None:
    image = surface().requires_grad_()
    before = image.detach().clone()
    for kind in DEFECTS:
        defective, mask, _ = add_defect(image, seeded(0), kind, 0.5)
        assert not defective.requires_grad
        assert not mask.requires_grad
    assert torch.equal(image, before)


def test_kinds_are_drawn_evenly() -> None:
    image, generator = surface(64), seeded(0)
    kinds = [add_defect(image, generator)[2] for _ in range(120)]
    assert all(6 <= kinds.count(kind) <= 40 for kind in DEFECTS)


def test_foreground_holds_the_centre() -> None:
    image = surface()
    foreground = torch.zeros(1, 128, 128, dtype=torch.bool)
    foreground[0, 90:94, 20:24] = True
    for seed in range(10):
        for kind in ("stain", "hole", "misplaced_patch"):
            _, mask, _ = add_defect(image, seeded(seed), kind, 0.3, foreground)
            y, x = (mask[0].nonzero().float().mean(0) - torch.tensor([91.5, 21.5])).tolist()
            assert math.hypot(y, x) < 8
        for kind in ("scratch", "thread"):  # the middle of the line
            _, mask, _ = add_defect(image, seeded(seed), kind, 0.3, foreground)
            assert mask[0, 84:100, 14:30].any()


def test_a_hair_fine_scratch_is_one_to_three_pixels_wide() -> None:
    for seed in range(10):
        defective, mask = DEFECTS["scratch"](torch.full((3, 256, 256), 0.5), seeded(seed), 0.02)
        points = mask[0].nonzero().float()
        spread = torch.linalg.svdvals(points - points.mean(0))
        length = float(spread[0]) * math.sqrt(12 / len(points))  # of a uniform segment
        assert length > 30
        assert float(mask.sum()) / length < 5  # with its faint flanks
        strong = (defective - 0.5).abs().amax(0) > 0.06
        assert float(strong.sum()) / length < 3


def test_what_cannot_be_seen() -> None:
    even = torch.full((3, 64, 64), 0.5)
    with pytest.raises(UnseenError, match=r"name='blur'.*could not be seen.*severity 0.5"):
        add_defect(even, seeded(0), "blur", 0.5)
    kinds = {add_defect(even, seeded(seed), severity=0.8)[2] for seed in range(40)}
    assert kinds >= {"scratch", "stain", "hole", "thread"}
    assert "blur" not in kinds
    for level in (0.0, 1.0):  # black and white surfaces show defects as well
        add_defect(torch.full((3, 64, 64), level), seeded(0), "scratch", 0.3)
        add_defect(torch.full((3, 64, 64), level), seeded(0), "stain", 0.3)


def test_bad_arguments_name_themselves() -> None:
    image, generator = surface(32), seeded(0)
    with pytest.raises(ValueError, match=r"name must be one of scratch, .* got 'rust'"):
        add_defect(image, generator, "rust")
    for severity in (0, 1.1):
        with pytest.raises(ValueError, match=r"severity must be in \(0, 1\]"):
            add_defect(image, generator, severity=severity)
    with pytest.raises(ValueError, match=r"image must be in \[0, 1\]"):
        add_defect(image * 2, generator)
    with pytest.raises(ValueError, match="image must be float"):
        add_defect(image[None], generator)
    with pytest.raises(ValueError, match="foreground must be bool"):
        add_defect(image, generator, foreground=torch.ones(1, 32, 32))
    with pytest.raises(ValueError, match="foreground is empty"):
        add_defect(image, generator, foreground=torch.zeros(1, 32, 32, dtype=torch.bool))


@pytest.mark.parametrize(
    "shape", [blob((0.1, 0.2), 0.3, 0.2), box((0.1, 0.2)), scratch((0.3, 0.5), (1, 3)),
              fibre((0.3, 0.5), (1, 3))]
)  # fmt: skip
def test_shapes_are_soft_and_may_leave_the_image(shape) -> None:  # type: ignore[no-untyped-def]
    alpha = shape((100, 140), (50.0, 70.0), seeded(0), 0.5)
    assert alpha.shape == (1, 100, 140)
    assert 0 <= alpha.min() <= alpha.max() <= 1
    assert ((alpha > 0.01) & (alpha < 0.99)).any()
    edge = shape((100, 140), (1.0, 138.0), seeded(0), 0.5)
    assert edge.shape == (1, 100, 140)
    assert edge.max() > 0.5


def test_blob_area_is_that_of_a_disc_when_smooth() -> None:
    for seed in range(5):
        alpha = blob((0.2, 0.2), 0.05, 0.0, stretch=2)((200, 200), (100.0, 100.0), seeded(seed), 1)
        r0 = math.sqrt(float(alpha.sum()) / math.pi)  # stretching keeps the area
        assert 0.8 * 40 - 1 < r0 < 1.2 * 40 + 1
