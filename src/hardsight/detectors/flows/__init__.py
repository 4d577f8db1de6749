"""Normalising flows: densities of pretrained features (FastFlow, CFlow)."""

from hardsight.detectors.flows.cflow import CFlow
from hardsight.detectors.flows.coupling import Coupling, Flow
from hardsight.detectors.flows.fastflow import FastFlow
from hardsight.detectors.flows.task import FlowTask

__all__ = ["CFlow", "Coupling", "FastFlow", "Flow", "FlowTask"]
