"""What an evaluation says of its parts before it carries them out."""

import re

import pytest

from hardsight.attacks import build_suite
from hardsight.cli.costs import print_costs
from hardsight.evaluation import Cost
from hardsight.evaluation.parts import Part


def test_costs_are_a_table_of_all_parts_and_their_sum(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clean, attacked = Part("clean images", None, 10), Part("pgd", build_suite("pgd"), 10)
    print_costs([Cost(clean, 0, 0.5), Cost(attacked, 1200, 4.0)], workers=2)
    told = capsys.readouterr().err
    assert "Budget" in told
    assert "1,200" in told
    for row in ("clean images.* 15 s", "pgd.* 2 min", "all.* 2 min"):
        assert re.search(row, told), told
