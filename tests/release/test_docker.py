"""The Dockerfile: what it copies is let through, and the command it starts is one of hardsight."""

import json
import re

import typer.main
from environment import ROOT

from hardsight.cli.app import app

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_what_is_copied_from_the_checkout_is_there_and_not_ignored():
    lines = re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE)
    copied = {name for line in lines for name in line.split()[:-1]}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {name for name in copied if (ROOT / name).exists()} == copied
    assert {f"!{name}" for name in copied} == {line for line in ignored if line.startswith("!")}


def test_the_service_is_the_default_command_and_each_option_of_it_exists():
    shell, option, line = json.loads(re.search(r"^CMD (.+)$", TEXT, re.MULTILINE).group(1))
    first, program, command, *words = line.split()
    assert (shell, option, first, program, command) == ("sh", "-c", "exec", "hardsight", "serve")
    options = {o for p in typer.main.get_command(app).commands[command].params for o in p.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_it_ends_as_a_user_that_is_not_root_with_a_check_of_health():
    last = TEXT.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)
