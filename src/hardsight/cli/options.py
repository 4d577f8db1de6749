"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(help="A run folder.")]
OtherData = Annotated[
    Path | None, typer.Option("--data", help="Use this data set's images; default: the run's own.")
]
Eps = Annotated[str, typer.Option(help="Radius in [0, 1] pixel units, as 2/255 or 0.0078.")]
Norm = Annotated[str, typer.Option(help="Linf or L2.")]
Source = Annotated[
    Path | None, typer.Option(help="Another run folder, from which attacks are transferred.")
]
Limit = Annotated[
    int | None,
    typer.Option(min=2, help="Test images at most, evenly spread; the report says so."),
]
AttackedAtOnce = Annotated[int, typer.Option(min=1, help="Images attacked at a time.")]
Seed = Annotated[int, typer.Option(help="Of all randomness.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
AllowDataChange = Annotated[
    bool, typer.Option(help="Go on although the data set changed since the run was made.")
]
