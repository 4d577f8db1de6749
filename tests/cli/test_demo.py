"""What ``hardsight demo`` leaves in its run."""

from hardsight.cli.demo import attacked
from hardsight.cli.evaluate import say_measured
from hardsight.core.types import quiet
from hardsight.runs import open_detector_run


def test_its_card_has_the_figures_and_names_the_run_in_one_way(run, capsys):
    opened = open_detector_run(run)
    found = attacked(opened, "2/255", 0, "cpu", quiet)
    say_measured(opened, found, run / "evaluation")
    assert found.provenance["preset"] == opened.config.preset
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "| eot-pgd | L-inf 2/255 |" in card
    assert "Nothing was measured" not in card
    assert "hardsight audit RUN" in card
    assert f"hardsight audit {run}" not in card
    assert "eot-pgd" in capsys.readouterr().out
