"""Classifiers: accuracy, clean and attacked."""

from hardsight.evaluation.accuracy.protocol import accuracy_curve, evaluate_classifier
from hardsight.evaluation.accuracy.results import Accuracy, Averages, ClassPicture, Curve
from hardsight.evaluation.accuracy.suites import FOUR_THREATS, class_suite

__all__ = [
    "FOUR_THREATS",
    "Accuracy",
    "Averages",
    "ClassPicture",
    "Curve",
    "accuracy_curve",
    "class_suite",
    "evaluate_classifier",
]
