import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from skimage import data
from torchvision.models import resnet18 as torchvision_resnet18
from torchvision.transforms.functional import normalize

from hardsight.synthesis import activation_foreground, find_foreground, foreground
from hardsight.synthesis.activation import HARD, SOFT, class_activation, imagenet_classifier


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(torchvision_resnet18().state_dict(), path)
    return path


def images(n: int = 2, side: int = 32) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, side, side), generator=g, dtype=torch.uint8)


def test_grad_cam_is_its_definition(weights):
    """ReLU of the maps weighted by the mean gradient of the class (Selvaraju et al., Eq. 1-2)."""
    pytest.importorskip("captum")
    network = imagenet_classifier(weights)
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    target = network(x).argmax(1)
    net = network.network
    h = net.maxpool(net.act1(net.bn1(net.conv1((x - network.mean) / network.std))))
    a = net.layer4(net.layer3(net.layer2(net.layer1(h)))).detach().requires_grad_(True)
    logits = net.fc(net.global_pool(a))
    (slope,) = torch.autograd.grad(logits.gather(1, target[:, None]).sum(), a)
    cam = F.relu((slope.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True)).detach()
    expected = cam / cam.amax((2, 3), keepdim=True).clamp_min(1e-30)
    torch.testing.assert_close(class_activation(network, x, target), expected, atol=1e-5, rtol=0)


def test_a_file_of_torchvision_gives_its_resnet_18(weights):
    theirs = torchvision_resnet18().eval()
    theirs.load_state_dict(load_file(weights))
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected = theirs(normalize(x, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    torch.testing.assert_close(imagenet_classifier(weights)(x), expected, rtol=1e-4, atol=1e-4)


def test_the_bundled_classifier_looks_at_the_cat():
    """Chelsea fills the middle of her photograph; most of the foreground lies there."""
    pytest.importorskip("captum")
    x = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None] / 255
    x = F.interpolate(x, (128, 128), mode="bilinear", antialias=True)
    where = activation_foreground(x)[0, 0]
    inner = where[16:-16, 16:-16].float().mean()
    edge = torch.cat([where[:8].flatten(), where[-8:].flatten()]).float().mean()
    assert inner > 2 * edge


def test_masks_are_whole_and_repeat_by_seed(weights):
    pytest.importorskip("captum")
    first, again = (find_foreground("grad-cam", images(), weights) for _ in range(2))
    assert first.shape == (2, 1, 32, 32)
    assert first.dtype == torch.bool
    assert first.flatten(1).any(1).all()
    assert torch.equal(first, again)


@pytest.mark.parametrize("change", [*SOFT, *HARD])
def test_changes_keep_shape_and_range(change):
    x = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    found = change(x, torch.Generator().manual_seed(0))
    assert found.shape == x.shape
    assert (found.min() >= -1e-6) & (found.max() <= 1 + 1e-6)
    assert torch.equal(found, change(x, torch.Generator().manual_seed(0)))


def test_weights_that_are_none_are_explained(tmp_path):
    with pytest.raises(ValueError, match="saliency"):
        activation_foreground(images(), tmp_path / "nowhere.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"another network; .*saliency"):
        activation_foreground(images(), tmp_path / "other.safetensors")


def test_foregrounds_by_name():
    assert find_foreground("all", images()).all()
    assert torch.equal(find_foreground("saliency", images()), foreground(images()))
    with pytest.raises(ValueError, match="choose from grad-cam, saliency, all"):
        find_foreground("border", images())
