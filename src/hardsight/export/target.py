"""What a detector is exported to."""

from dataclasses import dataclass
from typing import Literal

from hardsight.core.extras import needed
from hardsight.core.precision import Choice
from hardsight.export.graph import ONNX, demand_tracing
from hardsight.export.runtimes import OPENVINO

Format = Literal["onnx", "openvino"]


@dataclass(frozen=True)
class Target:
    """A format of graphs, and the precision in which the graph computes.

    Raises:
        ValueError: options that the format does not have.
    """

    format: Format = "onnx"
    """A name of ``RUNTIMES``."""
    int8: bool = False
    """Quantise convolutions and matrix products after training, see ``quantised``."""
    precision: Choice = "fp32"
    """Precision of what is not quantised; "auto": the faster one where the graph is scored."""

    def __post_init__(self) -> None:
        if self.format == "onnx" and (self.int8 or self.precision == "bf16"):
            raise ValueError(
                f"onnx computes in fp32 alone, got int8={self.int8} and "
                f'precision={self.precision!r}; take format="openvino" (--to openvino) for others'
            )

    def demand_installed(self) -> None:
        """Refuse a format whose packages are not there, before any work is begun.

        Raises:
            ImportError: naming what to install.
        """
        demand_tracing()
        if self.format == "onnx":
            needed("onnxruntime", ONNX, "scoring by an ONNX graph")
        else:
            needed("openvino", OPENVINO, "an export to OpenVINO")
        if self.int8:
            needed("nncf", OPENVINO, "an export in 8 bits")

    @property
    def name(self) -> str:
        """Format and precision, for tables."""
        return f"{self.format} {'int8 ' if self.int8 else ''}{self.precision}"
