"""Classifiers of small images, their training, and anybody else's."""

from hardsight.classifiers.base import Classifier
from hardsight.classifiers.foreign import (
    onnx_classifier,
    robustbench_classifier,
    torchscript_classifier,
)
from hardsight.classifiers.mnist_cnn import MNISTCNN
from hardsight.classifiers.resnet import ResNet18
from hardsight.classifiers.saved import (
    CLASSIFIERS,
    build_classifier,
    load_classifier,
    load_model,
    save_classifier,
    save_model,
)
from hardsight.classifiers.task import ClassificationTask, augmented
from hardsight.classifiers.wide_resnet import WideResNet

__all__ = [
    "CLASSIFIERS",
    "MNISTCNN",
    "ClassificationTask",
    "Classifier",
    "ResNet18",
    "WideResNet",
    "augmented",
    "build_classifier",
    "load_classifier",
    "load_model",
    "onnx_classifier",
    "robustbench_classifier",
    "save_classifier",
    "save_model",
    "torchscript_classifier",
]
