"""A real PostgreSQL on loopback, and databases of both kinds."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: return who runs it instead."""
    if os.getuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


@pytest.fixture(scope="session")
def postgres():
    """The URL of a fresh server's database, less its name."""
    if not (PROGRAMS / "initdb").is_file():
        pytest.skip(f"needs Debian's package postgresql-15: {PROGRAMS} is not there")
    user, folder = unprivileged(), Path(tempfile.mkdtemp(prefix="hardsight-postgres-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [PROGRAMS / program, "-D", folder / "data", *words],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout

    run("initdb", "--username=line", "--auth=trust", "--no-sync", "--encoding=UTF8")
    options = f"-c fsync=off -h 127.0.0.1 -p {port} -k {folder}"
    run("pg_ctl", "-w", "-l", str(folder / "server.log"), "-o", options, "start")
    yield f"postgresql://line@127.0.0.1:{port}"
    run("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def postgres_log(postgres):
    """The URL of a database with nothing in it."""
    from sqlalchemy import create_engine

    server = create_engine(
        postgres.replace("postgresql:", "postgresql+pg8000:") + "/postgres",
        isolation_level="AUTOCOMMIT",
    )
    name = f"log{os.urandom(4).hex()}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield f"{postgres}/{name}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    return request.getfixturevalue("postgres_log")


def fitted(folder, preset, data, *options):
    from typed import call, words

    done = call("fit", preset, "--data", data, "--run", folder, *options)
    assert done.exit_code == 0, words(done)
    return folder


@pytest.fixture(scope="session")
def served_run(parts, tiny_preset, tmp_path_factory):
    """A fitted run, to be served and not to be changed."""
    return fitted(tmp_path_factory.mktemp("served") / "parts", tiny_preset, parts)


@pytest.fixture(scope="session")
def second_run(parts, tiny_preset, served_run):
    """The run of another detector, to stand beside the first."""
    return fitted(served_run.with_name("quick"), tiny_preset, parts, "--steps", 2, "--no-select")


@pytest.fixture
def place(tmp_path):
    from hardsight.serve.log.pictures import Policy
    from hardsight.serve.service import Place

    return Place(str(tmp_path / "log.db"), tmp_path / "pictures", Policy("all"))


@pytest.fixture
def service(served_run, place):
    from hardsight.serve.models import Origin
    from hardsight.serve.service import Service

    found = Service([Origin(served_run)], place, device="cpu")
    yield found
    found.stop()


@pytest.fixture
def client(service):
    from starlette.testclient import TestClient

    from hardsight.serve.app import build_app

    return TestClient(build_app(service), base_url="http://127.0.0.1")
