"""What an entry says of a model, its checkpoint, its audit and its scores."""

import hashlib
from pathlib import Path

from hardsight.audit import Audit
from hardsight.backbones import Backbone
from hardsight.benchmark.entry import AuditFacts
from hardsight.evaluation import Evaluation, Subject


def judged(found: Evaluation) -> dict[str, tuple[float, ...]]:
    """Return what each attack leaves of each image, over the draws: see ``Entry.scores``."""
    outputs = found.outputs
    if found.kind == "classifier":
        outputs = {k: v == found.labels[: len(v), None] for k, v in outputs.items()}
    return {k: tuple(v.astype(float).mean(1).tolist()) for k, v in outputs.items()}


def audited(audit: Audit) -> AuditFacts:
    """Return what an entry says of an audit."""
    return AuditFacts(
        verdict=audit.verdict,
        headline=audit.headline,
        stamp=audit.stamp,
        norm=audit.norm,
        eps=audit.eps,
        budget=audit.provenance["budget"],
    )


def backbone_of(subject: Subject) -> str | None:
    """Return the pretrained network of a subject's model in words; None: it has none."""
    modules = (m for model in subject.models for m in model.modules())
    return next((str(m) for m in modules if isinstance(m, Backbone)), None)


def checkpoints(run: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of weights in a run's folder, by its path there."""
    found = {}
    for path in sorted(run.rglob("*.safetensors")):
        name = path.relative_to(run)
        if name.parts[0] not in ("training", "evaluation"):
            found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
