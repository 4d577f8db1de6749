"""Let hardsight be imported from a checkout that is not installed, as on a borrowed machine."""

import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    version("hardsight")
except PackageNotFoundError:
    info = Path(tempfile.mkdtemp()) / "hardsight-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hardsight\nVersion: 0\n")
    sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "src"), str(info.parent)]
