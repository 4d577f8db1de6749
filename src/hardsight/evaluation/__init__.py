"""Evaluation: clean, attacked, drawn and written down."""

from hardsight.evaluation.attack import attack
from hardsight.evaluation.certified.attacked import attack_certified
from hardsight.evaluation.certified.classes import ClassCertification, certify_classifier
from hardsight.evaluation.certified.protocol import certify
from hardsight.evaluation.certified.results import Certification, Terms
from hardsight.evaluation.certified.sigma import SigmaChoice, choose_sigma
from hardsight.evaluation.distribution_shift import Shortcut, shortcuts
from hardsight.evaluation.estimate import estimate
from hardsight.evaluation.protocol import evaluate
from hardsight.evaluation.results import Budget, Estimate, Evaluation, GalleryItem, Row

__all__ = [
    "Budget",
    "Certification",
    "ClassCertification",
    "Estimate",
    "Evaluation",
    "GalleryItem",
    "Row",
    "Shortcut",
    "SigmaChoice",
    "Terms",
    "attack",
    "attack_certified",
    "certify",
    "certify_classifier",
    "choose_sigma",
    "estimate",
    "evaluate",
    "shortcuts",
]
