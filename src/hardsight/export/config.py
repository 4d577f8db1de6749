"""What an exported folder says of its graph."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hardsight.core.files import write_atomically
from hardsight.core.precision import Choice
from hardsight.core.validation import first_problem

CONFIG_FILE = "config.json"


class ExportConfig(BaseModel):
    """What an exported folder's ``config.json`` holds."""

    model_config = ConfigDict(frozen=True)

    format: Literal["onnx", "openvino"]
    """The runtime's name, of ``RUNTIMES``."""
    method: str
    """Name of the detector's class."""
    opset: int
    """Version of the ONNX operators that the graph was traced to."""
    image_size: int = Field(ge=1)
    """Height and width in pixels."""
    noise: tuple[int, ...] | None
    """Shape of the standard normal noise of one image; None: the graph takes none."""
    noise_seed: int
    """Seed of the known noise that decisions are made on, see ``Detector.decision_noise``."""
    draws: int = Field(ge=1)
    """Noise draws that the graph averages."""
    paper: str | None
    """Where the method was published."""
    int8: bool
    """Whether the graph is quantised."""
    precision: Choice
    """Precision of what is not quantised."""
    detector: dict[str, Any]
    """The detector's settings."""

    @model_validator(mode="before")
    @classmethod
    def _of_older_exports(cls, values: Any) -> Any:
        """Add the seed of the noise, which was that of the detector alone."""
        if isinstance(values, dict) and isinstance(values.get("detector"), dict):
            return {"noise_seed": values["detector"].get("seed", 0)} | values
        return values

    @field_validator("precision", mode="before")
    @classmethod
    def _named_as_elsewhere(cls, precision: Any) -> Any:
        """Translate the name that single precision had in older exports."""
        return "fp32" if precision == "f32" else precision

    def write(self, folder: Path) -> None:
        """Write ``config.json``."""
        write_atomically(folder / CONFIG_FILE, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what ``write`` wrote.

        Raises:
            ValueError: there is none, or it is damaged.
        """
        path = folder / CONFIG_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ValueError(
                f"{path} cannot be read ({error.strerror}); make an export with: hardsight export"
            ) from error
        except ValidationError as error:
            raise ValueError(
                f"{path} is damaged ({first_problem(error)}); export again with: hardsight export"
            ) from error
