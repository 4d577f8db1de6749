"""Evaluation: one protocol for detectors and classifiers, clean, attacked and certified."""

from hardsight.attacks.class_suites import FOUR_THREATS, class_suite
from hardsight.evaluation.attacked_calibration import AttackedCalibration, calibrate_under
from hardsight.evaluation.certified.attacked import attack_certified
from hardsight.evaluation.certified.attacked_classes import attack_certified_classes
from hardsight.evaluation.certified.classes import certify_classifier
from hardsight.evaluation.certified.plan import Smoothing, Terms, Voting
from hardsight.evaluation.certified.protocol import certify
from hardsight.evaluation.certified.results import Certification, ClassCertification
from hardsight.evaluation.certified.sigma import Evidence, SigmaChoice, choose_sigma
from hardsight.evaluation.classifiers import accuracy_curve, evaluate_classifier
from hardsight.evaluation.depth import DepthChoice, choose_depth
from hardsight.evaluation.detectors import attack, evaluate
from hardsight.evaluation.estimate import Cost, estimate
from hardsight.evaluation.inspected import Inspected, inspect_attacked, inspection_costs
from hardsight.evaluation.plan import Execution, Protocol, Record
from hardsight.evaluation.purified import evaluate_purified
from hardsight.evaluation.results import Budget, Curve, Estimate, Evaluation, Row
from hardsight.evaluation.subjects import ClassifierSubject, DetectorSubject, Subject

__all__ = [
    "FOUR_THREATS",
    "AttackedCalibration",
    "Budget",
    "Certification",
    "ClassCertification",
    "ClassifierSubject",
    "Cost",
    "Curve",
    "DepthChoice",
    "DetectorSubject",
    "Estimate",
    "Evaluation",
    "Evidence",
    "Execution",
    "Inspected",
    "Protocol",
    "Record",
    "Row",
    "SigmaChoice",
    "Smoothing",
    "Subject",
    "Terms",
    "Voting",
    "accuracy_curve",
    "attack",
    "attack_certified",
    "attack_certified_classes",
    "calibrate_under",
    "certify",
    "certify_classifier",
    "choose_depth",
    "choose_sigma",
    "class_suite",
    "estimate",
    "evaluate",
    "evaluate_classifier",
    "evaluate_purified",
    "inspect_attacked",
    "inspection_costs",
]
