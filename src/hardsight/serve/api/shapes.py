"""What the interface takes and gives, as pydantic models: they make the OpenAPI document."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, JsonValue

from hardsight.data.images import Aspect
from hardsight.serve.decision import Decision, Feedback
from hardsight.serve.drift import Drift, Evidence
from hardsight.serve.log.pictures import Picture
from hardsight.serve.models import ServedModel

DECISION: dict[str, JsonValue] = {
    "id": "0195f1c2-7b1e-7c3a-9d20-5f0c8c1b2a3d",
    "time": "2026-03-01T12:00:00Z",
    "source": "camera-1/0042.png",
    "image": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "score": 3.2,
    "p_value": 0.0049,
    "label": True,
    "threshold": 2.1,
    "model": "parts",
    "model_hash": "5f2c9d1e07ab34cd",
    "threshold_version": 0,
    "map_maximum": 4.0,
    "verdict": "anomalous",
    "p_robust": None,
    "p_suspicion": None,
    "brightness": 0.41,
    "contrast": 0.12,
    "sharpness": 0.02,
}


class Strict(BaseModel):
    """What takes no field that it does not know."""

    model_config = ConfigDict(extra="forbid")


class EncodedImage(Strict):
    """An image file in JSON."""

    data: Base64Bytes
    """Bytes of a PNG, JPEG, ..., in base64."""
    source: Annotated[str, Field(max_length=300)] = ""


class ScoreRequest(Strict):
    """Images to be decided, as JSON."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"images": [{"data": "iVBORw0KGgo...", "source": "camera-1/0042.png"}]}]
        },
    )
    images: Annotated[list[EncodedImage], Field(min_length=1)]
    heat_map: bool = False


class Decided(BaseModel):
    """A decision, which is in the log on disk."""

    model_config = ConfigDict(json_schema_extra={"examples": [DECISION]})
    id: str
    time: datetime
    source: str
    image: str
    score: float
    p_value: float
    label: bool
    threshold: float
    model: str
    model_hash: str
    threshold_version: int
    map_maximum: float
    verdict: str
    """good or anomalous; of two detectors good, suspicious or defect."""
    p_robust: float | None
    p_suspicion: float | None
    brightness: float | None
    contrast: float | None
    sharpness: float | None
    heat_map: str | None = None
    """A PNG in base64 to be laid over the image, where it was asked for."""

    @classmethod
    def of(cls, decision: Decision, heat_map: str | None = None) -> Self:
        """Return what is shown of a decision."""
        return cls(**decision.told(), heat_map=heat_map)


class Decisions(BaseModel):
    """One decision an image, in the order of the request."""

    decisions: list[Decided]


class FeedbackRequest(Strict):
    """What a person found a part to be."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"anomalous": False, "note": "dust", "author": "Ada"}]},
    )
    anomalous: bool
    note: Annotated[str, Field(max_length=1000)] = ""
    author: Annotated[str, Field(max_length=100)] = ""


class Said(BaseModel):
    """A row of feedback."""

    id: str
    time: datetime
    decision: str
    anomalous: bool
    note: str
    author: str

    @classmethod
    def of(cls, feedback: Feedback) -> Self:
        """Return what is shown of feedback."""
        return cls(**asdict(feedback))


class LoggedDecision(Decided):
    """A decision with its place in the log, the pictures kept of it, and what was said of it."""

    number: int
    pictures: list[Picture]
    feedback: list[Said]


class LogPage(BaseModel):
    """A page of the log; ``beyond`` is the number to go on from."""

    total: int
    decisions: list[LoggedDecision]
    beyond: int | None


class ThresholdShown(BaseModel):
    """A version of a threshold."""

    version: int
    threshold: float
    level: float
    statement: str
    note: str
    time: datetime | None


class ModelShown(BaseModel):
    """What is served under a name."""

    name: str
    hash: str
    method: str
    size: tuple[int, int]
    aspect: Aspect
    """What becomes of images of another shape; kept, pictures and heat maps have their shape."""
    threshold_version: int
    threshold: float
    map_threshold: float
    level: float
    statement: str
    normal_scores: list[float]
    """Scores of the held-out normal images that the threshold was set on."""
    attackable: bool
    """Whether it has a gradient, by which the page attacks it."""
    beside: bool
    """Whether a second detector stands beside, so that a part may be suspicious."""

    @classmethod
    def of(cls, model: ServedModel) -> Self:
        """Return what is shown of a model."""
        calibration = model.calibration
        return cls(
            name=model.name,
            hash=model.hash,
            method=method_of(model),
            size=model.detector.size,
            aspect=model.detector.decoding.aspect,
            threshold_version=model.version,
            threshold=calibration.threshold,
            map_threshold=calibration.map_threshold,
            level=calibration.level,
            statement=calibration.statement,
            normal_scores=list(calibration.normal_scores),
            attackable=model.detector.differentiable,
            beside=model.origin.beside is not None,
        )


def method_of(model: ServedModel) -> str:
    """Return the class of what a model was fitted as."""
    settings: dict[str, Any] = model.detector.settings
    return str(settings.get("method", type(model.detector).__name__))


class EvidenceShown(BaseModel):
    """The evidence of one stream in the latest decisions, in shares of the limit."""

    evidence: list[float]
    alarms: list[int]
    """Where in the evidence an alarm was raised."""

    @classmethod
    def of(cls, stream: Evidence) -> Self:
        """Return what is shown of a stream."""
        shares = [float(f"{share:.4g}") for share in stream.shares]
        return cls(evidence=shares, alarms=list(stream.alarms))


class DriftShown(BaseModel):
    """The evidence of drift, by stream: the score, brightness, contrast and sharpness."""

    streams: dict[str, EvidenceShown]
    parts: int
    once_in: int

    @classmethod
    def of(cls, drift: Drift) -> Self:
        """Return what is shown of drift."""
        streams = {name: EvidenceShown.of(stream) for name, stream in drift.streams.items()}
        return cls(streams=streams, parts=drift.parts, once_in=drift.once_in)


class LoadRequest(Strict):
    """Which run is to be served under a name."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"run": "runs/parts-2"}]}
    )
    run: str | None = None
    """One beside those the service was started with; null: the model's own, as it is now."""
    beside: str | None = None
    """The run of a second detector, beside another ``run``."""


class RecalibrateRequest(Strict):
    """On which time of the log a threshold is to be set."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"since": "2026-03-01T06:00:00Z"}]}
    )
    since: datetime
    until: datetime | None = None
    level: Annotated[float, Field(gt=0, lt=1)] | None = None
