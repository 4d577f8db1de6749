"""What is evaluated and audited: a detector or a classifier, on images of known truth."""

from hardsight.evaluation.subjects.classifier import ClassifierSubject
from hardsight.evaluation.subjects.detector import DetectorSubject
from hardsight.evaluation.subjects.subject import Scores, Subject
from hardsight.evaluation.subjects.traits import Traits

__all__ = ["ClassifierSubject", "DetectorSubject", "Scores", "Subject", "Traits"]
