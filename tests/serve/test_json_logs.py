"""What the service logs is lines of JSON while it runs, and nothing is left of that afterwards."""

import json
import logging
import warnings

from hardsight.serve.logs import logged_as_json

LOG = logging.getLogger("hardsight.serve")


def test_records_and_warnings_are_lines_of_json_with_their_facts(capsys):
    with logged_as_json():
        LOG.info("scored %d", 3, extra={"facts": {"model": "parts"}})
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", UserWarning, stacklevel=1)
        logging.getLogger("python_multipart").warning("no boundary")
        logging.getLogger("python_multipart").info("a header")
    scored, old, odd = map(json.loads, capsys.readouterr().err.splitlines())
    assert (scored["message"], scored["level"], scored["model"]) == ("scored 3", "info", "parts")
    assert (old["level"], old["logger"]) == ("warning", "py.warnings")
    assert "UserWarning: old" in old["message"]
    assert (odd["logger"], odd["message"]) == ("python_multipart", "no boundary")


def test_loggers_are_afterwards_what_they_were(capsys, caplog):
    loggers = logging.root, logging.getLogger("hardsight")

    def state():
        each = [(list(one.handlers), one.propagate, one.level) for one in loggers]
        return each, warnings.showwarning

    before = state()
    with logged_as_json():
        assert all(one.handlers != was[0] for one, was in zip(loggers, before[0], strict=True))
    assert state() == before
    LOG.warning("to whoever listens")
    assert caplog.messages == ["to whoever listens"]
    assert "{" not in capsys.readouterr().err
