import pytest
import torch

from hardsight.classifiers import (
    CLASSIFIERS,
    MNISTCNN,
    ResNet18,
    WideResNet,
    build_classifier,
    load_classifier,
    onnx_classifier,
    robustbench_classifier,
    save_classifier,
    torchscript_classifier,
)

SMALL = {
    "wide-resnet": lambda: WideResNet(10, 1, classes=4, dropout=0.1),
    "resnet18": lambda: ResNet18(classes=4),
    "mnist-cnn": lambda: MNISTCNN(classes=4),
}


def images(model, n=2, side=None):
    side = side or getattr(model, "size", 16)
    g = torch.Generator().manual_seed(0)
    return torch.rand(n, model.mean.shape[1], side, side, generator=g)


def test_every_classifier_is_tried():
    assert SMALL.keys() == CLASSIFIERS.keys()


@pytest.mark.parametrize("name", SMALL)
def test_saved_and_loaded_it_is_the_same(name, tmp_path):
    model = SMALL[name]().eval()
    x = images(model)
    save_classifier(model, tmp_path)
    again = load_classifier(tmp_path)
    assert again.config == model.config
    assert again.config["name"] == name
    assert model(x).shape == (2, 4)
    assert torch.equal(again(x), model(x))
    (tmp_path / "model.safetensors").write_bytes(b"none")
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_classifier(tmp_path)


def test_published_sizes():
    """Parameters as published: WRN-28-10 36.5 M (Table 5), PyTorch's MNIST example 1,199,882."""
    with torch.device("meta"):
        wide = WideResNet()
    assert sum(p.numel() for p in wide.parameters()) == 36_479_194
    assert sum(p.numel() for p in MNISTCNN().parameters()) == 1_199_882
    assert sum(p.numel() for p in ResNet18().parameters()) == 11_173_962
    assert ResNet18().network.layer4(torch.zeros(1, 256, 8, 8)).shape[-1] == 4


def test_normalisation_is_inside():
    model = MNISTCNN(mean=(0.3,), std=(0.2,)).eval()
    x = images(model)
    assert torch.equal(model(x), model.logits((x - 0.3) / 0.2))


def test_bad_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="depth must be 10"):
        WideResNet(depth=27)
    with pytest.raises(ValueError, match="unknown classifier"):
        build_classifier({"name": "vgg"})
    with pytest.raises(ValueError, match=r"shape \(B, 3, H, W\)"):
        ResNet18()(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ValueError, match=r"\(B, 1, 28, 28\), got \(2, 1, 32, 32\); .* size=32"):
        MNISTCNN()(torch.zeros(2, 1, 32, 32))
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        load_classifier(tmp_path)


def test_torchscript_keeps_its_gradient(tmp_path):
    model = MNISTCNN(classes=3).eval()
    x = images(model).requires_grad_()
    torch.jit.trace(model, x.detach()).save(str(tmp_path / "model.pt"))
    scripted = torchscript_classifier(tmp_path / "model.pt")
    torch.testing.assert_close(scripted(x), model(x))
    (expected,) = torch.autograd.grad(model(x)[:, 0].sum(), x)
    (found,) = torch.autograd.grad(scripted(x)[:, 0].sum(), x)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("make", "package"),
    [(onnx_classifier, "onnxruntime"), (robustbench_classifier, "robustbench")],
)
def test_a_missing_extra_is_named(make, package, monkeypatch):
    import sys

    for name in list(sys.modules):
        if name.split(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"pip install .*{package}"):
        make("model")
