"""``hardsight fit`` for classifiers, as a person types it."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from class_files import write_digits, write_preset
from safetensors.torch import load_file
from typed import call, interrupted, words

from hardsight.purifiers import DDIMPurifier, Purified
from hardsight.runs import (
    ClassifierRun,
    RunError,
    open_classifier_run,
    open_detector_run,
    open_run,
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets")
    return {name: write_preset(folder, name) for name in ("classifier", "rap", "ddim")}


@pytest.fixture(scope="module")
def plain(digits, presets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "plain"
    done = call("fit", presets["classifier"], "--data", digits, "--run", folder)
    assert done.exit_code == 0, words(done)
    assert f"hardsight evaluate {folder}".replace(" ", "") in words(done).replace(" ", "")
    return folder


@pytest.fixture(scope="module")
def rap(digits, presets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "rap"
    done = call("fit", presets["rap"], "--data", digits, "--run", folder)
    assert done.exit_code == 0, words(done)
    return folder


def accuracy(run: Path) -> float:
    model, test = open_run(run).classifier("cpu"), open_run(run).labelled()
    with torch.no_grad():
        return float((model(test.images / 255).argmax(1) == test.labels).double().mean())


def test_a_classifier_is_trained_on_the_device_that_was_named(digits, presets, tmp_path):
    given = ("fit", presets["classifier"], "--data", digits, "--run", tmp_path / "run")
    done = call(*given, "--device", "cpu", "--set", "training.accelerator=cuda")
    assert done.exit_code == 1
    assert "training.accelerator=cuda, but what is trained is on cpu" in words(done)


def test_a_classifier_run_is_whole_and_classifies(plain):
    for name in (
        "config.yaml", "manifest.json", "metrics.json", "training/train.jsonl",
        "classifier/config.json", "classifier/model.safetensors",
    ):  # fmt: skip
        assert (plain / name).is_file(), name
    assert not [p for p in plain.rglob("*") if p.suffix in (".pt", ".pth", ".ckpt", ".pkl")]
    assert set(json.loads((plain / "manifest.json").read_text())) == {"train", "test"}
    assert json.loads((plain / "classifier/config.json").read_text())["size"] == 8  # the images'
    assert accuracy(plain) > 0.9


def test_training_on_attacks_is_another_training(digits, presets, plain, tmp_path):
    arguments = ("--data", digits, "--run", tmp_path, "--steps", 5)
    eps = ("--set", "classifier.adversary.eps=0.1", "--set", "classifier.adversary.steps=2")
    assert call("fit", presets["classifier"], *arguments, *eps).exit_code == 0
    found = open_run(tmp_path).config
    assert (found.trained_on.name, found.trained_on.eps) == ("Linf", 0.1)
    assert open_run(plain).config.trained_on is None
    twin = tmp_path / "twin"
    call("fit", presets["classifier"], "--data", digits, "--run", twin, "--steps", 5)
    assert weights(twin) != weights(tmp_path)


def test_rap_trains_both_and_restores_before_it_classifies(rap):
    model = open_run(rap).classifier("cpu")
    assert isinstance(model, Purified)
    assert model.purifier.adapter.length == 3
    assert not model.training
    x = open_run(rap).labelled().images[:4] / 255
    with torch.no_grad():
        assert torch.equal(model(x), model.classifier(model.purifier(x)))
    parts = {p.parent.name for p in rap.glob("*/model.safetensors")}
    assert parts == {"classifier", "adapter"}
    assert "step_size" in " ".join(open_run(rap).config.assumed)
    assert "assumed" in open_run(rap).config.assumed["adapter"]


def test_a_classifier_that_is_there_is_taken(plain, digits, presets, tmp_path):
    given = ("--set", f"classifier.run={plain}", "--run", tmp_path, "--data", digits)
    done = call("fit", presets["rap"], *given)
    assert done.exit_code == 0, words(done)
    assert weights(tmp_path) == weights(plain)
    assert not (tmp_path / "training/classifier").exists()
    refused = call(
        "fit", presets["rap"], "--set", f"classifier.run={tmp_path}", "--run", tmp_path / "r",
        "--data", digits,
    )  # fmt: skip
    assert refused.exit_code == 1
    assert "name one of method classifier" in words(refused)


def test_what_was_taken_or_trained_is_not_asked_for_again(plain, digits, presets, tmp_path):
    other = shutil.copytree(plain, tmp_path / "other")
    run = tmp_path / "run"
    given = ("--set", f"classifier.run={other}", "--run", run, "--data", digits)
    assert call("fit", presets["rap"], *given).exit_code == 0
    before = (run / "adapter/model.safetensors").read_bytes()
    (run / "metrics.json").unlink()
    shutil.rmtree(run / "adapter")
    shutil.rmtree(other)
    unfinished = call("evaluate", run)
    assert unfinished.exit_code == 1
    assert "hardsight fit --resume" in words(unfinished)
    done = call("fit", "--resume", "--run", run)
    assert done.exit_code == 0, words(done)
    assert (run / "adapter/model.safetensors").read_bytes() == before


def test_ddim_trains_a_denoiser_of_grey_images(digits, presets, plain, tmp_path):
    done = call(
        "fit", presets["ddim"], "--data", digits, "--run", tmp_path, "--set", "draws=2",
        "--set", f"classifier.run={plain}",
    )  # fmt: skip
    assert done.exit_code == 0, words(done)
    model = open_run(tmp_path).classifier("cpu")
    assert isinstance(model.purifier, DDIMPurifier)
    assert (model.purifier.depth, model.draws) == (20, 2)
    x = open_run(tmp_path).labelled().images[:3] / 255
    noise = model.sample_noise(x, torch.Generator().manual_seed(0))
    assert noise.shape[:2] == (3, 2)
    with torch.no_grad():
        assert model(x, noise).shape == (3, 10)


def test_settings_are_refused_before_the_training(digits, presets, tmp_path):
    done = call(
        "fit", presets["ddim"], "--data", digits, "--run", tmp_path, "--set",
        "purifier.depth=5000", "--set", "classifier.training.steps=1",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "depth must be at most 999" in words(done)
    assert not (tmp_path / "training").exists()
    done = call(
        "fit", presets["rap"], "--data", digits, "--run", tmp_path / "r", "--set",
        "adapter.patch=3",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "size must be a multiple of patch" in words(done)
    assert not (tmp_path / "r/training").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "data.path must name a folder of the files of MNIST or CIFAR-10"),
        (("--data", "nowhere"), "holds no CIFAR-10"),
        (("--data", "nowhere"), "holds neither mnist_train.npz"),
        (
            ("--data", "x", "--size", 32),
            "detector is a setting of the methods advrad, bastion",
        ),
        (
            ("--data", "x", "--select"),
            "selection is a setting of the methods advrad, bastion",
        ),
        (("--data", "x", "--category", "bottle"), "data.category is not a setting"),
    ],
)
def test_mistakes_get_the_way_out(presets, arguments, message, tmp_path):
    done = call("fit", presets["classifier"], "--run", tmp_path / "r", *arguments)
    assert done.exit_code == 1
    assert message in words(done)


def test_networks_that_do_not_fit_the_images(digits, presets, tmp_path):
    def said(name):
        name = f"classifier.network={{name: {name}}}"
        done = call(
            "fit", presets["classifier"], "--data", digits, "--run", tmp_path / "r", "--set", name
        )
        assert done.exit_code == 1
        assert not (tmp_path / "r").exists()  # nothing of it is left
        return words(done)

    assert "is for 3 channels and 10 classes, and MNIST train has 1 and 10" in said("resnet18")
    assert "choose one of ['mnist-cnn', 'resnet18', 'wide-resnet']" in said("cnn")


def test_changed_images_are_refused_unless_told(presets, tmp_path):
    data = write_digits(tmp_path / "data")
    run = tmp_path / "run"
    call("fit", presets["classifier"], "--data", data, "--run", run, "--steps", 1)
    write_digits(data, seed=1)
    with pytest.raises(ValueError, match=r"test is 40 images of MNIST test with another content"):
        open_run(run).labelled()
    assert len(open_run(run).labelled(allow_data_change=True)) == 40
    assert len(open_run(run).labelled()) == 40


def test_detectors_and_classifiers_are_not_taken_for_each_other(plain, tmp_path):
    assert isinstance(open_run(plain), ClassifierRun)
    with pytest.raises(RunError, match=r"holds a classifier \(classifier\)"):
        open_detector_run(plain)
    (tmp_path / "config.yaml").write_text("method: advrad\n")
    with pytest.raises(RunError, match=r"holds an anomaly detector \(advrad\)"):
        open_classifier_run(tmp_path)
    done = call("score", plain, "x.png")
    assert done.exit_code == 1
    assert "hardsight evaluate" in words(done)


def weights(folder: Path) -> dict[str, list]:
    return {k: v.tolist() for k, v in load_file(folder / "classifier/model.safetensors").items()}


def test_after_ctrl_c_it_goes_on_to_the_same_weights(rap, digits, presets, tmp_path):
    folder = tmp_path / "stopped"
    begun = lambda: list(folder.glob("training/checkpoints/*.safetensors"))  # noqa: E731
    stopped = interrupted(begun, "fit", presets["rap"], "--run", folder, "--data", digits)
    assert stopped.exit_code == 130, words(stopped)
    assert not (folder / "adapter").exists()
    resumed = call("fit", "--resume", "--run", folder)
    assert resumed.exit_code == 0, words(resumed)
    for part in ("classifier", "adapter"):
        name = f"{part}/model.safetensors"
        assert (folder / name).read_bytes() == (rap / name).read_bytes()
