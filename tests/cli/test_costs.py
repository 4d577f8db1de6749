"""What an evaluation says of its attacks before it runs them."""

import pytest

from hardsight.attacks import build_suite
from hardsight.cli.evaluate import print_costs
from hardsight.evaluation.costs import Cost


def test_costs_are_a_table_of_the_attacks_if_there_are_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_costs([])
    assert capsys.readouterr().err == ""
    print_costs([Cost(build_suite("pgd"), 1200, 0.5)])
    told = capsys.readouterr().err
    assert "Budget" in told
    assert "1,200" in told
