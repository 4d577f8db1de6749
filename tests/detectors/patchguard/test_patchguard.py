import pytest
import torch
import torch.nn.functional as F
from timm.layers import Attention
from tiny_patchguard import TINY, images, tiny_patchguard

from hardsight.attacks import L2, PGD, Linf, MapObjective, ScoreObjective, value_and_gradient
from hardsight.detectors import PatchGuard
from hardsight.detectors.patchguard import PatchObjective, PatchScoring, cell_labels

NETWORKS = {
    "vit": TINY,
    "bigbird": TINY | {"name": "bigbird", "sparse": {"block": 4}},
    "resnet": {"name": "resnet", "architecture": "resnet18", "cell": 8},
    "unet": {"name": "unet", "channels": 4, "levels": 2},
}


def test_score_and_map_are_their_definitions():
    """Mean of the k highest logits; bilinear enlargement, then a Gaussian."""
    detector, x = tiny_patchguard(), images()
    logits = detector.patch_logits(x)
    assert logits.shape == (3, 1, 4, 4)
    found = detector(x)
    expected = logits.flatten(1).sort(1, descending=True).values[:, :3].mean(1)
    torch.testing.assert_close(found.pred_score, expected)
    large = F.interpolate(logits, (32, 32), mode="bilinear", align_corners=False)
    near = torch.arange(-2, 3.0)
    line = torch.exp(-0.5 * near**2)
    kernel = torch.outer(line, line) / line.sum() ** 2
    smooth = F.conv2d(F.pad(large, (2,) * 4, mode="reflect"), kernel[None, None])
    torch.testing.assert_close(found.anomaly_map, smooth, atol=1e-5, rtol=1e-4)
    plain = tiny_patchguard(sigma=0.0)
    torch.testing.assert_close(plain(x).anomaly_map, large, atol=1e-5, rtol=1e-4)


def test_another_scoring_leaves_the_detector_as_it_is(tmp_path):
    detector, x = tiny_patchguard().calibrate(images(20), level=0.1), images()
    before = detector(x)
    other = detector.with_scoring(PatchScoring(k=1, sigma=0.0))
    assert torch.equal(other(x).pred_score, detector.patch_logits(x).flatten(1).amax(1))
    assert other.network is detector.network
    assert other.calibration is None
    assert detector.calibration is not None
    assert torch.equal(detector(x).anomaly_map, before.anomaly_map)
    other.save_pretrained(tmp_path)
    assert torch.equal(PatchGuard.from_pretrained(tmp_path)(x).anomaly_map, other(x).anomaly_map)


def test_it_is_deterministic_and_without_noise():
    detector, x = tiny_patchguard(), images()
    assert detector.sample_noise(x) is None
    assert torch.equal(detector(x).pred_score, detector(x).pred_score)
    detector.train()
    assert not torch.equal(detector(x).pred_score, detector(x).pred_score)  # dropout


def test_imagenet_statistics_are_taken_off_inside():
    detector, x = tiny_patchguard(), images()
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    inner = detector.network.network((x - mean) / std)
    torch.testing.assert_close(detector.patch_logits(x), inner)


@pytest.mark.parametrize("backbone", NETWORKS.values(), ids=NETWORKS)
def test_gradient_equals_finite_differences(backbone):
    detector = tiny_patchguard(backbone=backbone).double()
    x = images(2, dtype=torch.float64)
    labels = torch.tensor([False, True])
    masks = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    masks[1, :, 4:12, 4:12] = True
    for objective in (
        ScoreObjective(detector, labels),
        MapObjective(detector, masks, "balanced"),
        PatchObjective(detector.patch_logits, cell_labels(masks, detector.network.cell)),
    ):
        _, gradient = value_and_gradient(objective, x)
        d = torch.randn(x.shape, generator=torch.Generator().manual_seed(7), dtype=x.dtype)
        h = 1e-6
        numeric = (objective(x + h * d) - objective(x - h * d)) / (2 * h)
        torch.testing.assert_close((gradient * d).flatten(1).sum(1), numeric, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("ball", [Linf(4 / 255), L2(0.2)])
def test_attacks_raise_normal_and_lower_anomalous_scores_inside_the_ball(ball):
    detector, x = tiny_patchguard(), images(4)
    labels = torch.tensor([False, False, True, True])
    found = PGD(ball, steps=10)(ScoreObjective(detector, labels), x).images
    assert torch.all(ball.distance(found, x) <= ball.eps + 1e-6)
    before, after = detector(x).pred_score, detector(found).pred_score
    assert torch.all((after > before) == ~labels)


def test_a_cell_is_anomalous_if_any_pixel_is():
    masks = torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    masks[0, 0, 7, 8] = True
    found = cell_labels(masks, 8)
    assert found.nonzero().tolist() == [[0, 0, 0, 1]]
    assert torch.equal(cell_labels(masks, 1), masks)


def test_the_patch_objective_is_normal_mean_minus_anomalous_mean():
    logits = torch.tensor([[[[1.0, 2.0], [3.0, 10.0]]]]).repeat(2, 1, 1, 1)
    labels = torch.tensor([[[[False, False], [False, True]]], [[[False] * 2] * 2]])
    found = PatchObjective(lambda x: logits, labels)(images(2))
    assert found.tolist() == [2.0 - 10.0, 4.0]
    with pytest.raises(ValueError, match="cell_labels"):
        PatchObjective(lambda x: logits, labels[..., :1])(images(2))


@pytest.mark.parametrize("backbone", NETWORKS.values(), ids=NETWORKS)
def test_save_and_load_give_the_same_detector(backbone, tmp_path):
    detector = tiny_patchguard(backbone=backbone)
    detector = detector.calibrate(images(20), level=0.1)
    detector.save_pretrained(tmp_path)
    loaded = PatchGuard.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded(images()).pred_score, detector(images()).pred_score)
    torch.testing.assert_close(loaded(images()).anomaly_map, detector(images()).anomaly_map)
    assert loaded.calibration == detector.calibration
    assert loaded.settings == detector.settings


def test_the_seed_decides_the_weights():
    torch.manual_seed(0)
    one, same, other = (tiny_patchguard(seed=s)(images()).pred_score for s in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_layer_scale_is_off_unless_asked_for():
    """timm would give DINOv2's architecture 1e-5, at which every block is nearly the identity."""
    from hardsight.detectors.patchguard.vit import PatchViT

    name = "vit_small_patch14_dinov2.lvd142m"
    small = {"embed_dim": 24, "depth": 1, "num_heads": 2}
    block = PatchViT(28, name, **small).vit.blocks[0]
    assert isinstance(block.ls1, torch.nn.Identity)
    scaled = PatchViT(28, name, layer_scale=0.1, **small).vit.blocks[0]
    assert scaled.ls1.gamma.unique().tolist() == pytest.approx([0.1])


def test_a_resnet_judges_each_patch_by_itself():
    detector = tiny_patchguard(backbone=NETWORKS["resnet"])
    x = images(1)
    changed = x.clone()
    changed[:, :, 8:16, 16:24] = 0.5
    apart = (detector.patch_logits(x) - detector.patch_logits(changed))[0, 0] != 0
    assert apart.nonzero().tolist() == [[1, 2]]


def test_a_u_net_averages_as_large_a_share_of_pixels():
    detector = tiny_patchguard(backbone=NETWORKS["unet"], k=2)
    assert detector.top == round(2 / (32 / 14) ** 2 * 32**2)
    assert detector.patch_logits(images()).shape == (3, 1, 32, 32)


def test_without_discriminator_the_head_does_not_mix_patches():
    head = tiny_patchguard(backbone=TINY | {"discriminator": False}).network.network.head
    x = torch.randn(1, 16, 24, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[0, 3] += 1
    assert (head(x) != head(changed)).nonzero().tolist() == [[0, 3]]
    mixed = tiny_patchguard().network.network.head
    assert (mixed(x) != mixed(changed)).all()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", ["vit", "bigbird"])
def test_attention_is_that_of_timm(name, fused):
    vit = tiny_patchguard(backbone=NETWORKS[name]).network.network
    layer = vit.vit.blocks[0].attn
    stock = Attention(24, num_heads=2, qkv_bias=True).eval()
    stock.load_state_dict(layer.state_dict())
    stock.fused_attn = fused
    x = torch.randn(3, 17, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x, vit.mask), stock(x, vit.mask), atol=1e-6, rtol=1e-5)


def test_features_of_several_layers_are_concatenated():
    vit = tiny_patchguard(backbone=TINY | {"features": [1, -1]}).network.network
    assert vit.head.logit.in_features == 48


def test_bfloat16_scores_are_close_to_single_precision():
    exact, fast = tiny_patchguard(), tiny_patchguard(precision="bf16")
    torch.testing.assert_close(
        fast(images()).pred_score, exact(images()).pred_score, rtol=0.1, atol=0.05
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": {"name": "vti"}}, "choose from vit, bigbird, resnet, unet"),
        ({"backbone": {"architecture": "vit_none"}}, "architecture='vit_none'"),
        ({"backbone": {"architecture": "resnet18"}}, "cannot be built|no plain ViT"),
        ({"backbone": TINY | {"patch_size": 7}}, "not a multiple"),
        ({"backbone": TINY | {"features": [-1, 3]}}, "features must be .* different ones, got"),
        ({"backbone": {"name": "unet", "colours": 3}}, "colours"),
        ({"k": 0}, "k >= 1"),
        ({"k": 17}, "16 patches"),
        ({"sigma": -1.0}, "sigma"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny_patchguard(**settings)


@pytest.mark.parametrize("name", ["resnet", "unet"])
def test_networks_without_attention_have_no_degree(name):
    with pytest.raises(ValueError, match="no attention"):
        tiny_patchguard(backbone=NETWORKS[name]).degrees(images())
