"""Text in tables is no formula, and comes back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from hardsight.core.spreadsheet import FORMULA, cell, text_of

TEXTS = st.text(st.sampled_from(["'", "a", *FORMULA]), max_size=5) | st.text()


@given(TEXTS)
def test_no_text_is_a_formula_and_all_come_back(text):
    assert not cell(text).startswith(FORMULA)
    assert text_of(cell(text)) == text


def test_numbers_and_plain_text_are_left_as_they_are():
    assert [cell(value) for value in (-1.5, None, True, "brick", "'brick'")] == [
        -1.5, None, True, "brick", "'brick'",
    ]  # fmt: skip
