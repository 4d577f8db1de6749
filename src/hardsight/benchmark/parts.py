"""Trained parts that a method of a plan takes from another one's run."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Part = Literal["classifier", "adapter", "denoiser"]
"""A folder of weights in the run of a classifier."""


def take_parts(run: Path, lenders: Mapping[Part, Path]) -> None:
    """Copy parts of other runs into one that is not fitted yet; a fit trains what is left.

    Args:
        run: its folder.
        lenders: part -> the run folder that has it.

    Raises:
        ValueError: a run that has not trained that part.
    """
    for part, lender in lenders.items():
        whole, staged = run / part, run / f".{part}"
        if whole.is_dir():
            continue
        if not (lender / part / "config.json").is_file():
            raise ValueError(
                f"{lender} holds no {part}: the method that trains it was not carried out; run the "
                "plan again once it was"
            )
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(lender / part, staged)
        staged.rename(whole)
