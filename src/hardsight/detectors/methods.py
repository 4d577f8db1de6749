"""The detectors that hardsight can fit, by name."""

from hardsight.detectors.advrad.bastion_method import METHOD as BASTION
from hardsight.detectors.advrad.method import METHOD as ADVRAD
from hardsight.detectors.autoencoders.apae_method import METHOD as APAE
from hardsight.detectors.autoencoders.ocr_gan_method import METHOD as OCR_GAN
from hardsight.detectors.autoencoders.pls_method import METHOD as PLS
from hardsight.detectors.autoencoders.rae_method import METHOD as RAE
from hardsight.detectors.discriminative.draem_method import METHOD as DRAEM
from hardsight.detectors.discriminative.glass_method import METHOD as GLASS
from hardsight.detectors.discriminative.simplenet_method import METHOD as SIMPLENET
from hardsight.detectors.distillation.dinomaly_method import METHOD as DINOMALY
from hardsight.detectors.distillation.efficient_ad_method import METHOD as EFFICIENT_AD
from hardsight.detectors.distillation.recontrast_method import METHOD as RECONTRAST
from hardsight.detectors.distillation.reverse_method import METHOD as REVERSE_DISTILLATION
from hardsight.detectors.distillation.stfpm_method import METHOD as STFPM
from hardsight.detectors.flows.method import CFLOW, FASTFLOW
from hardsight.detectors.memory_bank.cfa_method import METHOD as CFA
from hardsight.detectors.memory_bank.padim_method import METHOD as PADIM
from hardsight.detectors.memory_bank.patchcore_method import METHOD as PATCHCORE
from hardsight.detectors.memory_bank.spade_method import METHOD as SPADE
from hardsight.detectors.method import Method
from hardsight.detectors.patchguard.method import METHOD as PATCHGUARD

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        ADVRAD,
        BASTION,
        PATCHGUARD,
        PATCHCORE,
        PADIM,
        SPADE,
        CFA,
        FASTFLOW,
        CFLOW,
        STFPM,
        REVERSE_DISTILLATION,
        EFFICIENT_AD,
        RECONTRAST,
        DINOMALY,
        SIMPLENET,
        GLASS,
        DRAEM,
        RAE,
        APAE,
        PLS,
        OCR_GAN,
    )
}
"""Name -> the record of a method; a new one is a file of its own and a line here."""
