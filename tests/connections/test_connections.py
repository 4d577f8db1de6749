import re

import pytest

from hardsight.connections import CONNECTIONS, connect


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/x", "there are folder:PATH"),
        ("nothing", "is no address of a connection"),
        ("mqtt:///topic", "names no host"),
        ("mqtt://host:port/", "is no address"),
        ("mqtt://me:secret@host/", "HARDSIGHT_MQTT_PASSWORD"),
        ("https://me:secret@host/x", "holds a password, .* among the processes; leave it out"),
        ("https://me@host/x", "https logs nobody in; leave out me@"),
        ("modbus://me@host", "modbus logs nobody in; leave out me@"),
        ("mqtt://host/t?qos=0", "no option 'qos'"),
        ("mqtt://host/t?qos", "no option 'qos'"),
        ("mqtt://host/line/+/x", "has a wildcard"),
        ("mqtt://host/line%23", "has a wildcard"),
        ("folder:line#2", "write %23"),
        ("modbus://host/x", "the register must be a number up to 65532, got 'x'"),
        ("modbus://host/0?unit=256", "unit must be a number up to 255"),
        ("modbus://host/0?unit=", "unit must be a number up to 255, got ''"),
        ("modbus://host/0?beat=x", "beat must be a number of seconds, got 'x'"),
        ("modbus://host/0?hold=inf", "hold must be a number of seconds, got 'inf'"),
        ("modbus://host/0?beat=5", "beat=5.0 must be above 0 and at most hold"),
        ("opc.tcp://host:4840/x", "names no variables"),
    ],
)
def test_bad_addresses_are_explained(url, said, tmp_path):
    for package in {"modbus": ["pymodbus"], "opc.tcp": ["asyncua"]}.get(url.split(":")[0], []):
        pytest.importorskip(package)
    with pytest.raises(ValueError, match=said) as told:
        connect(url, tmp_path)
    assert "secret" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_every_connection_says_the_form_of_its_address():
    assert all(one.form.startswith(f"{scheme}:") for scheme, one in CONNECTIONS.items())


def test_the_file_of_what_waits_has_a_name_that_every_system_takes(tmp_path, monkeypatch):
    monkeypatch.setenv("HARDSIGHT_WEBHOOK_SECRET", "x" * 16)
    connect("http://[::1]:9/x", tmp_path).close()
    (made,) = tmp_path.iterdir()
    assert re.fullmatch(r"http---1-[0-9a-f]{8}\.sqlite", made.name)


def test_a_folder_may_have_any_name(tmp_path):
    connect(f"folder:{tmp_path}/line%232%3F", tmp_path)
    assert (tmp_path / "line#2?" / "good").is_dir()
