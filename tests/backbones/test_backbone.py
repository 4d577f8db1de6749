"""Backbones: real weights offline, scales, gradients, and refusals that say the way out."""

import pytest
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from skimage import data

from hardsight.backbones import (
    Backbone,
    BackboneError,
    build_backbone,
    bundled,
    local_mean,
    patch_features,
)
from hardsight.backbones.bundled import BUNDLED, bundled_weights

LITE = "tf_efficientnet_lite0"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARDSIGHT_CACHE", str(folder))
        yield folder


def photograph(name: str) -> torch.Tensor:
    """A photograph of scikit-image, its middle square at 224 x 224 in [0, 1]."""
    x = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None] / 255
    side = min(x.shape[-2:])
    top, left = ((n - side) // 2 for n in x.shape[-2:])
    x = x[..., top : top + side, left : left + side]
    return torch.nn.functional.interpolate(x, (224, 224), mode="bilinear", antialias=True)


@pytest.mark.parametrize(
    ("name", "classes"), [("chelsea", (281, 282, 285)), ("coffee", (968, 967))]
)
def test_the_bundled_weights_know_what_photographs_show(name, classes):
    """281, 282, 285: tabby, tiger and Egyptian cat; 968, 967: cup, espresso."""
    network = timm.create_model(LITE, pretrained=False).eval()
    network.load_state_dict(bundled_weights(LITE))
    found = BUNDLED[LITE]
    with torch.no_grad():
        likely = network((photograph(name) - found.mean) / found.std).softmax(1)[0]
    assert float(likely[list(classes)].sum()) > 0.6


@pytest.mark.parametrize("size", [64, 60])
def test_sides_are_those_of_the_features(size):
    backbone = Backbone(weights="random", taps=(1, 2, 3), precision="fp32")
    levels = backbone(torch.rand(1, 3, size, size))
    assert [level.shape[-1] for level in levels] == backbone.sides(size)


def test_bundled_weights_are_converted_once_and_made_anew_where_damaged(cache):
    first = bundled_weights(LITE)
    (file,) = cache.glob("*.safetensors")
    before = file.stat().st_mtime_ns
    bundled_weights(LITE)
    assert file.stat().st_mtime_ns == before
    file.unlink()  # not written over: tensors are views of it
    file.write_bytes(b"half")
    state = torch.get_rng_state()
    again = bundled_weights(LITE)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert file.stat().st_size > 1_000_000


def test_features_are_those_of_the_whole_network():
    """Taps 1, 2 and 3 are what comes out of blocks 1, 2 and 4."""
    whole = timm.create_model(LITE, pretrained=False).eval()
    whole.load_state_dict(bundled_weights(LITE))
    backbone = Backbone(taps=(1, 2, 3), precision="fp32").pretrained()
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        h, expected = whole.bn1(whole.conv_stem((x - 127 / 255) / (128 / 255))), []
        for i, block in enumerate(whole.blocks):
            h = block(h)
            if i in (1, 2, 4):
                expected.append(h)
        for level, right in zip(backbone(x), expected, strict=True):
            torch.testing.assert_close(level, right, rtol=1e-4, atol=1e-4)
    assert backbone.channels == (24, 40, 112)
    assert backbone.strides == (4, 8, 16)


@pytest.mark.parametrize("name", [LITE, "mobilenetv3_small_050"])
def test_stages_beyond_the_last_tap_are_kept_and_not_run(name):
    backbone, run = Backbone(name, "random", taps=(1, 2), precision="fp32"), []
    whole = timm.create_model(name, features_only=True, out_indices=(1, 2)).eval()
    whole.load_state_dict(backbone.network.state_dict())  # files hold the same
    for i, stage in enumerate(backbone.network.blocks.children()):
        stage.register_forward_hook(lambda *_, i=i: run.append(i))
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = whole((x - backbone.mean) / backbone.std)
        for level, right in zip(backbone(x), expected, strict=True):
            torch.testing.assert_close(level, right, rtol=1e-4, atol=1e-4)
    assert run == list(range(backbone.network.feature_info.get_dicts()[-1]["stage"]))
    assert len(run) < len(backbone.network.blocks)


def test_pretrained_leaves_the_backbone_it_is_called_on_as_it_was():
    backbone = Backbone()
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    backbone.pretrained()
    assert all(torch.equal(before[k], v) for k, v in backbone.state_dict().items())


def test_the_gradient_reaches_images_and_no_weight():
    backbone = Backbone(weights="random", taps=(1,)).train()
    assert not any(m.training for m in backbone.modules())
    x = torch.rand(1, 3, 32, 32, requires_grad=True)
    backbone(x)[0].square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(p.grad is None for p in backbone.parameters())


def test_an_image_has_one_feature_in_any_batch():
    backbone = Backbone(weights="random", precision="fp32")
    x = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for whole, alone in zip(backbone(x), backbone(x[:1]), strict=True):
        torch.testing.assert_close(whole[:1], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file_are_taken(tmp_path, suffix):
    whole = timm.create_model("resnet18", pretrained=False)
    path = tmp_path / f"r18{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(whole.state_dict(), path)
    found = Backbone("resnet18", str(path), taps=(1, 2)).pretrained()
    assert torch.equal(found.network.conv1.weight, whole.conv1.weight)
    torch.testing.assert_close(found.mean.flatten(), torch.tensor([0.485, 0.456, 0.406]))


@pytest.mark.parametrize("name", ["convnext_atto", "efficientvit_b0"])
def test_weights_of_stages_are_found_by_the_names_that_the_whole_network_has(name, tmp_path):
    """``stages.0`` and ``stem.in_conv``, flat in timm's feature networks; the same order."""
    whole = timm.create_model(name, pretrained=False)
    save_file(whole.state_dict(), tmp_path / "w.safetensors")
    found = Backbone(name, str(tmp_path / "w.safetensors"), taps=(0, 1)).pretrained()
    expected = list(whole.state_dict().values())
    assert all(
        torch.equal(w, expected[i]) for i, w in enumerate(found.network.state_dict().values())
    )


def test_a_file_of_a_vit_is_taken_and_its_positions_brought_to_another_grid(tmp_path):
    name, path = "vit_tiny_patch16_224", tmp_path / "vit.safetensors"
    whole = timm.create_model(name, pretrained=False, depth=2).eval()
    save_file(whole.state_dict(), path)
    found = Backbone(name, str(path), taps=(1,), options={"depth": 2}, precision="fp32")
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        right = whole.forward_intermediates(
            (x - found.mean) / found.std, indices=(1,), norm=False, intermediates_only=True
        )
        torch.testing.assert_close(found.pretrained()(x), right, rtol=1e-4, atol=1e-4)
    options = {"depth": 2, "img_size": 64}
    small = Backbone(name, str(path), taps=(1,), options=options).pretrained()
    grid = whole.pos_embed[:, 1:].detach().unflatten(1, (14, 14)).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (4, 4), mode="bicubic", antialias=True)
    own = small.network.model.pos_embed
    torch.testing.assert_close(own[:, 1:], grid.flatten(2).transpose(1, 2), rtol=0, atol=1e-6)
    assert torch.equal(own[:, 0], whole.pos_embed[:, 0])
    again = Backbone(name, str(small.save(tmp_path / "b.safetensors")), (1,), options=options)
    assert torch.equal(again.pretrained().network.model.pos_embed, own)


def test_what_a_backbone_saved_has_its_normalisation_too(tmp_path):
    first = Backbone("resnet18", "random", taps=(1,), seed=3)
    first.mean.fill_(0.25)
    found = Backbone("resnet18", str(first.save(tmp_path / "b.safetensors")), (1,)).pretrained()
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(found(x)[0], first(x)[0])


def test_a_vit_gives_its_patches_as_a_grid():
    vit = Backbone(
        "vit_tiny_patch16_224", "random", taps=(0, 1), options={"img_size": 64, "depth": 2}
    )
    assert [tuple(level.shape) for level in vit(torch.rand(1, 3, 64, 64))] == [(1, 192, 4, 4)] * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "resnot"}, "resnot"),
        ({"taps": (9,)}, "taps=\\[9\\]"),
        ({"weights": "imagenet"}, "weights='imagenet' is none of 'bundled'"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments, said):
    with pytest.raises(BackboneError, match=said):
        Backbone(**arguments)


def test_weights_that_cannot_be_had_are_refused(tmp_path, monkeypatch):
    def refused(said, *arguments):
        with pytest.raises(BackboneError, match=said):
            Backbone(*arguments).pretrained()

    refused("weights='bundled' has tf_efficientnet_lite0", "resnet18", "bundled", (1,))
    refused("is not there", "resnet18", str(tmp_path / "none.pth"), (1,))
    (tmp_path / "odd.pth").write_bytes(b"nothing of the kind")
    refused("cannot be read", "resnet18", str(tmp_path / "odd.pth"), (1,))
    torch.save([1, 2], tmp_path / "list.pth")
    refused("hold no state dict", "resnet18", str(tmp_path / "list.pth"), (1,))
    other = Backbone("resnet34", "random", (1,)).save(tmp_path / "other.safetensors")
    refused("another network", "resnet50", str(other), (1,))
    changed = bundled.Bundled(BUNDLED[LITE].package, BUNDLED[LITE].file, "0" * 64)
    monkeypatch.setitem(BUNDLED, LITE, changed)
    refused("SHA-256", LITE, "bundled", (1,))
    monkeypatch.setitem(BUNDLED, LITE, bundled.Bundled("not_installed_here", "x.pth", "0" * 64))
    refused("pip install not-installed-here", LITE, "bundled", (1,))


def test_patch_features_lie_on_the_finest_grid():
    fine, coarse = torch.rand(2, 3, 8, 8), torch.rand(2, 5, 4, 4)
    found = patch_features([fine, coarse], pool=3)
    assert found.shape == (2, 8, 8, 8)
    torch.testing.assert_close(found[:, :3, 4, 4], fine[:, :, 3:6, 3:6].mean((2, 3)))
    assert patch_features([fine], side=4).shape == (2, 3, 4, 4)


def test_the_local_mean_takes_odd_sizes():
    with pytest.raises(ValueError, match="pool must be odd and positive, got 2"):
        local_mean(torch.rand(1, 1, 4, 4), 2)


def test_what_a_detector_leaves_out_is_its_default_and_an_unknown_argument_is_named():
    found = build_backbone({"weights": "random", "taps": (1,)}, taps=(1, 2), precision="fp32")
    assert (found.taps, found.precision, found.weights) == ((1,), "fp32", "random")
    with pytest.raises(BackboneError, match=r"backbone={'nme': 'x'}: .*'nme'"):
        build_backbone({"nme": "x"})
