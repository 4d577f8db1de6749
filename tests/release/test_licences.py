"""Licences of dependencies: how they are judged, and that those installed here are compatible."""

from importlib.metadata import distributions

import pytest
from licences import judge, licence_of, report

VERDICTS = {
    "MIT": "permissive",
    "Apache Software License": "permissive",
    "BSD-3-Clause AND 0BSD AND Zlib": "permissive",
    "Apache-2.0 WITH LLVM-exception": "permissive",
    "GPL-3.0-only OR BSD-3-Clause": "permissive",
    "(MIT OR Apache-2.0) AND BSD-2-Clause": "permissive",
    "MPL-2.0 AND MIT": "weak copyleft",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "weak copyleft",
    "(MIT OR GPL-3.0-only) AND AGPL-3.0-only": "incompatible",
    "GPL-3.0-only": "incompatible",
    "MIT AND AGPL-3.0-or-later": "incompatible",
    "GNU General Public License v3 (GPLv3)": "incompatible",
    "CC-BY-NC-4.0": "incompatible",
    "": "incompatible",
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_of_alternatives_the_best_counts_and_of_all_together_the_worst(text, verdict):
    assert judge("package", text) == verdict


def test_no_installed_package_has_an_incompatible_licence():
    found = [licence_of(package) for package in distributions()]
    assert len(found) > 50
    assert not [each for each in found if each.verdict == "incompatible"]


def test_the_report_has_a_row_for_each_package():
    found = [licence_of(package) for package in distributions()][:3]
    rows = report(found).splitlines()
    assert len(rows) == 2 + 3
    assert all(each.name in row for each, row in zip(found, rows[2:], strict=True))
