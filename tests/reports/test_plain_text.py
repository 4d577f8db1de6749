"""Names and sentences in Markdown: shown, and not obeyed."""

import html
import re

import pytest

from hardsight.reports.page import bullets, markdown_table, plain


def read(text: str) -> str:
    """What a reader of Markdown shows of escaped text (CommonMark, 2.4 and 2.5)."""
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text))


@pytest.mark.parametrize(
    "name",
    [
        "[click](https://evil.example)",
        "![x](https://evil.example/track.png)",
        "<script>alert(1)</script>",
        "_under_ and a_b_c",
        "~~gone~~ *bold* `code`",
        "a|b\\",
        "&lt;b&gt; &amp;",
    ],
)
def test_a_hostile_name_is_shown_as_it_is(name):
    escaped = plain(name)
    assert read(escaped) == name
    for mark in ("[", "`", "*", "~", "|", "<"):
        assert not re.search(rf"(?<!\\)(\\\\)*{re.escape(mark)}", escaped), mark


def test_words_stay_readable():
    sentence = "hardsight evaluate runs/my_run of test_images, 3 & 4 %"
    assert plain(sentence) == sentence.replace("&", "&amp;")
    assert plain("one\nline") == "one line"
    assert bullets(["a|b"]) == ["- a\\|b"]
    assert markdown_table(["x"], [["a|b"]])[2] == "| a\\|b |"
