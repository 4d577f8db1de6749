"""On which data sets, and with which preset, a benchmark runs."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hardsight.config import Config
from hardsight.data import write_textures


def add_sets(parser: argparse.ArgumentParser, preset: str) -> None:
    """Add the arguments names, --data, --textures, --preset and --set."""
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data", type=Path, help="folder of MVTec-layout categories")
    parser.add_argument("--textures", action="store_true", help="the embedded data set")
    parser.add_argument("--preset", default=preset)
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the argument --set."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", dest="settings")


def changed(config: Config, given: argparse.Namespace) -> Config:
    """Return the preset with what --set says."""
    return config.updated(parsed(given.settings))


def parsed(settings: Sequence[str]) -> dict[str, Any]:
    """Return pairs KEY=JSON as dotted settings."""
    pairs = (pair.partition("=") for pair in settings)
    return {key: json.loads(value) for key, _, value in pairs}


def root(given: argparse.Namespace, config: Config) -> Path:
    """Return the folder of the categories; that of the embedded ones is written below --runs."""
    if given.textures:
        size = config.detector_settings["image_size"]
        return write_textures(given.runs / "textures", size=size)
    if given.data is None:
        raise SystemExit("name a folder with --data, or take --textures")
    folder: Path = given.data
    return folder
