"""The notebooks as pages: text, code, and what the code printed and drew, as the file holds it."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

NOTEBOOK = ".ipynb"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every notebook, and the pictures in it as files beside the page."""
    for notebook in [file for file in files if file.src_uri.endswith(NOTEBOOK)]:
        name = notebook.src_uri.removesuffix(NOTEBOOK)
        cells = json.loads(notebook.content_string)["cells"]
        blocks: list[str] = []
        for number, cell in enumerate(cells):
            picture = f"{name}-{number}.png"
            blocks += _blocks(cell, picture.rpartition("/")[2])
            for drawn in _pictures(cell):
                files.append(File.generated(config, picture, content=drawn))
        link = f"[Notebook]({notebook.src_uri.rpartition('/')[2]})"
        text = "\n\n".join([*blocks, f"{link}, to be run and changed."])
        files.append(File.generated(config, f"{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to notebooks to their pages, but for that of a page to its own."""
    own = page.file.src_uri.removesuffix(".md") + NOTEBOOK
    if files.get_file_from_path(own) is not None:
        return markdown
    return re.sub(rf"(\]\([\w./-]+){re.escape(NOTEBOOK)}\)", r"\1.md)", markdown)


def _pictures(cell: dict[str, Any]) -> list[bytes]:
    """Return the picture that a cell drew, if it drew one."""
    shown = (output.get("data", {}).get("image/png") for output in cell.get("outputs", ()))
    return [base64.b64decode(png) for png in shown if png][:1]


def _blocks(cell: dict[str, Any], picture: str) -> Iterator[str]:
    """Yield the Markdown of a cell and of what it printed and drew."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    printed = "".join("".join(output.get("text", ())) for output in cell["outputs"])
    if printed:
        yield f"```text\n{printed.rstrip()}\n```"
    if _pictures(cell):
        yield f"![What the code above drew]({picture})"
