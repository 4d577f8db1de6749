"""How rows of reports stand on a terminal."""

from hardsight.cli.console import console, print_rows
from hardsight.cli.evaluate import SHOWN
from hardsight.reports.tables import COLUMNS, Cell


def test_nothing_of_a_row_is_lost_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr(console, "_width", 80)
    cells = {
        "attack": Cell("autoattack-rand"),
        "ball": Cell("low-frequency 0.1"),
        "target": Cell("image"),
        "metric": Cell("AUROC, object alone"),
        "mean": Cell("0.989", "0.985 to 0.993"),
        "worst": Cell("0.891", "0.885 to 0.893"),
        "published": Cell("0.881", "FreeRAD, Table 2"),
        "flags": Cell("not audited"),
    }
    with console.capture() as shown:
        print_rows({key: COLUMNS[key][0] for key in SHOWN}, [cells])
    lines = shown.get().splitlines()
    assert "…" not in shown.get()
    assert max(map(len, lines)) <= 80
    for k, key in enumerate(SHOWN):
        columns = [line.strip("┃│").replace("┃", "│").split("│") for line in lines]
        text = "".join(parts[k].strip() for parts in columns if len(parts) == len(SHOWN))
        whole = COLUMNS[key][0] + cells[key].main + cells[key].small
        assert text.replace(" ", "") == whole.replace(" ", "")


def test_no_word_of_a_table_is_broken_that_need_not_be(monkeypatch):
    monkeypatch.setattr(console, "_width", 80)
    cells = {
        "attack": Cell("eot-pgd"),
        "ball": Cell("L-inf 2/255"),
        "target": Cell("image"),
        "metric": Cell("AUROC, held-out"),
        "mean": Cell("0.989", "0.985 to 0.993"),
        "worst": Cell("0.891", "0.885 to 0.893"),
        "published": Cell("-"),
        "flags": Cell("not audited"),
    }
    with console.capture() as shown:
        print_rows({key: COLUMNS[key][0] for key in SHOWN}, [cells])
    lines = shown.get().splitlines()
    assert {len(line) for line in lines} == {80}  # the last border is there
    heads = [COLUMNS[key][0] for key in SHOWN if key != "published"]
    words = " ".join([*heads, *(f"{c.main} {c.small}" for c in cells.values() if c.main != "-")])
    assert set(words.split()) <= set(shown.get().split())
