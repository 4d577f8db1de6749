"""Docstring examples run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import hardsight

MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(hardsight.__path__, "hardsight.")
    if not m.name.endswith("__main__")
)
EXTRAS = {
    "anomalib", "captum", "cv2", "faiss", "nncf", "onnx", "onnxruntime", "openvino", "ray",
    "alembic", "fastapi", "prometheus_client", "sqlalchemy", "starlette", "uvicorn",
}  # fmt: skip
"""Packages of extras: a module that needs one at import is left out where it is not installed."""


def examples(name: str) -> list[doctest.DocTest]:
    """The docstrings of a module that hold examples."""
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in EXTRAS:
            return []
        raise
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [found for found in finder.find(module, name) if found.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    for example in examples(name):
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(example, out=said.append)
        assert not runner.summarize(verbose=False).failed, "".join(said)


def test_there_are_examples():
    assert any(examples(name) for name in MODULES)
