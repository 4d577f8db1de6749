"""The extras of the package: which are installed, and what each is for."""

from importlib.metadata import PackageNotFoundError, requires, version
from typing import NamedTuple

from packaging.requirements import Requirement

PURPOSES = {
    "onnx": "hardsight export --to onnx, and score, watch, certify of such an export",
    "openvino": "hardsight export --to openvino, with --int8 too, and score, watch of it",
    "video": "hardsight watch of videos and cameras",
    "serve": "hardsight serve: the page, decisions by HTTP, the inspection log",
    "sign": "hardsight bundle --sign, and verify and any opening of a bundle for a key",
    "line": "hardsight watch --to mqtt://... and modbus://...",
    "opcua": "hardsight watch --to opc.tcp://...; asyncua, under the LGPL 3",
    "genicam": "hardsight watch of GenICam cameras; the binding has the GenICam licence",
    "gradcam": "hardsight fit with recipe.foreground=grad-cam, as patchguard-paper has",
    "anomalib": "anomalib's detectors in Python, to be attacked and certified",
    "nifti": "hardsight data and fit of BraTS2021's volumes",
    "mlflow": "hardsight fit with training.loggers=[mlflow]",
    "wandb": "hardsight fit with training.loggers=[wandb]",
    "ray": "score, evaluate, certify, benchmark and fit --each with --engine ray",
    "remote": "images and data sets at s3://...; those at gs:// need gcsfs, at az:// adlfs",
    "faiss": "hardsight fit patchcore with detector.search=faiss, for a large bank",
}
"""Extra -> what needs it."""


class Extra(NamedTuple):
    """An extra of the package."""

    name: str
    missing: tuple[str, ...]
    """Packages it needs that are not installed, or too old or new."""
    purpose: str

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install 'hardsight[{self.name}]'"


def extras() -> list[Extra]:
    """Return the extras that the installed package declares, in the order of ``PURPOSES``."""
    needed: dict[str, list[Requirement]] = {}
    for text in requires("hardsight") or []:
        requirement = Requirement(text)
        for name in PURPOSES:
            if requirement.marker and _is_of(requirement, name):
                needed.setdefault(name, []).append(requirement)
    return [
        Extra(name, tuple(str(r.name) for r in needed[name] if not _is_there(r)), purpose)
        for name, purpose in PURPOSES.items()
        if name in needed
    ]


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Tell whether a requirement is asked for by an extra, and only by extras."""
    marker = requirement.marker
    assert marker is not None
    return marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _is_there(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False
