"""Detectors: deterministic, differentiable functions of (images, noise)."""

from hardsight.detectors.adapters.agreement import (
    Agreement,
    GradientError,
    demand_gradient,
    gradient_agreement,
)
from hardsight.detectors.adapters.anomalib import anomalib_detector
from hardsight.detectors.adapters.as_detector import as_detector
from hardsight.detectors.adapters.denoised import Denoised
from hardsight.detectors.adapters.designs import DESIGNS
from hardsight.detectors.adapters.posed import Posed
from hardsight.detectors.adapters.purified import PurifiedDetector
from hardsight.detectors.adapters.smoothed import Smoothed
from hardsight.detectors.adapters.tiled import Tiled
from hardsight.detectors.adapters.two_witnesses import TwoWitnesses
from hardsight.detectors.adapters.witness_calibration import Decision
from hardsight.detectors.adapters.wrapped import Wrapped
from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.bastion import Bastion
from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.errors import noisy_reference
from hardsight.detectors.advrad.map_head_training import MapHeadTraining
from hardsight.detectors.advrad.recipe import AdvRADFit, BastionFit
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.advrad.tiling import Tiling
from hardsight.detectors.autoencoders.apae import APAE
from hardsight.detectors.autoencoders.ocr_gan import OCRGAN
from hardsight.detectors.autoencoders.pls import PLS, PLSFit
from hardsight.detectors.autoencoders.rae import RAE
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.discriminative.draem import DRAEM
from hardsight.detectors.discriminative.draem_fitting import DRAEMFit
from hardsight.detectors.discriminative.glass_fitting import GLASSFit
from hardsight.detectors.discriminative.patch_discriminator import PatchDiscriminator
from hardsight.detectors.discriminative.simplenet_fitting import SimpleNetFit
from hardsight.detectors.distillation import (
    STFPM,
    Dinomaly,
    EfficientAD,
    ReContrast,
    ReverseDistillation,
)
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.flows.cflow import CFlow
from hardsight.detectors.flows.fastflow import FastFlow
from hardsight.detectors.memory_bank.cfa import CFA
from hardsight.detectors.memory_bank.cfa_fitting import CFAFit
from hardsight.detectors.memory_bank.fitting import BankFit
from hardsight.detectors.memory_bank.padim import PaDiM
from hardsight.detectors.memory_bank.patchcore import PatchCore
from hardsight.detectors.memory_bank.patchcore_fitting import CoresetFit
from hardsight.detectors.memory_bank.spade import SPADE
from hardsight.detectors.patchguard.detector import PatchGuard
from hardsight.detectors.saved import SavedDetector

__all__ = [
    "APAE",
    "CFA",
    "DESIGNS",
    "DRAEM",
    "OCRGAN",
    "PLS",
    "RAE",
    "SPADE",
    "STFPM",
    "AdvRAD",
    "AdvRADFit",
    "AdversarialTraining",
    "Agreement",
    "BankFit",
    "Bastion",
    "BastionFit",
    "CFAFit",
    "CFlow",
    "Calibration",
    "CoresetFit",
    "DRAEMFit",
    "Decision",
    "Denoised",
    "Detector",
    "Dinomaly",
    "EfficientAD",
    "FastFlow",
    "Fitted",
    "GLASSFit",
    "GradientError",
    "MapHeadTraining",
    "PLSFit",
    "PaDiM",
    "PatchCore",
    "PatchDiscriminator",
    "PatchGuard",
    "Posed",
    "PurifiedDetector",
    "ReContrast",
    "ReferenceStatistics",
    "ReverseDistillation",
    "SavedDetector",
    "Scoring",
    "Selection",
    "SimpleNetFit",
    "Smoothed",
    "Tiled",
    "Tiling",
    "TwoWitnesses",
    "Work",
    "Wrapped",
    "anomalib_detector",
    "as_detector",
    "demand_gradient",
    "gradient_agreement",
    "noisy_reference",
]
