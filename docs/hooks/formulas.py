"""Formulas as MathML, made when the site is built: browsers draw it without a script or a font."""

import re
from html import unescape

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
DISPLAY = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the LaTeX that pymdownx.arithmatex marked into MathML."""
    html = DISPLAY.sub(lambda m: convert(unescape(m[1]), display="block"), html)
    return INLINE.sub(lambda m: convert(unescape(m[1])), html)
