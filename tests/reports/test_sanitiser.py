"""Somebody else's HTML is read again, as a browser would, after it was made harmless."""

import re

import pytest
import torch

from hardsight.reports.evaluation import html
from hardsight.reports.pictures import embedded, is_embedded, photo
from hardsight.reports.sanitiser import sanitised
from page_read import Read
from synthetic_evaluation import synthetic


def test_a_report_of_this_library_comes_out_as_it_is():
    page = html(synthetic(items=1))
    main = page[page.index("<main>") + len("<main>") : page.index("</main>")]
    own = re.sub(r"<style.*?</style>", "", main, flags=re.DOTALL)
    assert Read(sanitised(page)).events == Read(own).events


PIXEL = embedded(photo(torch.rand(3, 8, 8)))


@pytest.mark.parametrize(
    ("hostile", "left"),
    [
        ("<script>steal()</script>a", "a"),
        ("<SCRIPT SRC=//evil.example/x.js></SCRIPT>a", "a"),
        ("<scr<script>ipt>steal()</script>a", "ipt&gt;steal()a"),
        ('<p onclick="steal()" class="soft">a</p>', '<p class="soft">a</p>'),
        ('<a href="javascript:steal()">a</a>', "a"),
        ('<use href="javascript:steal()"/>', "<use/>"),
        ('<use xlink:href="#m1"/>', '<use xlink:href="#m1"/>'),
        ('<img src="https://evil.example/dot.png" alt="a">', '<img alt="a">'),
        ('<img src="data:image/svg+xml;base64,PHN2Zz4=">', "<img>"),
        ('<img src="data:image/jpeg;base64,bm90aGluZw==" onerror=steal()>', "<img>"),
        (f'<img src="{PIXEL}">', f'<img src="{PIXEL}">'),
        ('<p style="color: red">a</p>', '<p style="color: red">a</p>'),
        ('<p style="background: url(//evil.example)">a</p>', "<p>a</p>"),
        (r'<p style="background: \75rl(x)">a</p>', "<p>a</p>"),
        ("<style>@import 'x'</style>a", "a"),
        ("<svg><style><img src=x onerror=steal()></style></svg>", "<svg></svg>"),
        ("<iframe src=//evil.example>a</iframe>", "a"),
        ('<meta http-equiv="refresh" content="0; url=//evil.example">a', "a"),
        ("<base href=//evil.example><form action=//evil.example><input>a</form>", "a"),
        ('<animate attributeName="href" to="javascript:steal()"/>a', "a"),
        ("&lt;script&gt;steal()&lt;/script&gt;", "&lt;script&gt;steal()&lt;/script&gt;"),
        ('<p title="&quot;&gt;&lt;script&gt;">a', '<p title="&quot;&gt;&lt;script&gt;">a'),
        ("<!-- <script>steal()</script> -->a", "a"),
        ("<title>a<p>", ""),
    ],
)
def test_what_is_no_part_of_a_report_goes(hostile, left):
    assert sanitised(hostile) == left


def test_a_picture_must_be_one():
    assert is_embedded(PIXEL)
    assert not is_embedded(PIXEL[:-40])
    assert not is_embedded(PIXEL.replace("jpeg", "png"))
    assert not is_embedded("javascript:steal()")
