"""The operator's commands and the agent together against the twin, over TLS throughout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import tls
from agent.config.model import Secret
from agent.errors import LinkRefused, PlatformRefused
from agent.identity.blueprint import Blueprint
from agent.identity.provision import provision
from agent.identity.rest import Rest
from agent.protocol.objects import Sensor
from tests.end_to_end.station import LAMP, TICK, prepared
from tests.support.agent import AgentProcess
from tests.twin.served import DEVICES, ask
from twin.serving.process import FREE, Twin

PLAN = Blueprint("pi00009", {"serial": "00009", "product_code": "pi"},
                 (Sensor("溫度", "gauge", "°C"), Sensor("lamp", "switch")))


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(FREE) as running:
        yield running


def rest(twin: Twin, key: str = "") -> Rest:
    return Rest(f"{twin.rest_tls_url}/iot/v1", Secret(key or twin.project_key),
                tls.context(twin.ca_file))


def configuration(twin: Twin, serial: str) -> str:
    return f"""
[platform]
host = "127.0.0.1"
port = {twin.ports["mqtt_tls"]}
ca_file = "{twin.ca_file}"
rest_url = "{twin.rest_tls_url}/iot/v1"
[registry]
product_code = "pi"
serial = "{serial}"
[clock]
trust = "always"
[hardware]
backend = "simulated"
""" + TICK + LAMP


@pytest.mark.req("P-18")
def test_the_client_and_the_twin_understand_each_other(twin: Twin) -> None:
    told: list[str] = []
    client = rest(twin)
    made = provision(client, PLAN, lambda text, new: told.append(text) if new else None)
    assert made is not None and len(told) == 3
    assert provision(rest(twin), PLAN, lambda _text, new: told.append("again") if new else None
                     ) == made
    assert len(told) == 3
    assert client.sensors(made) == PLAN.sensors
    assert dict(client.device(made).attributes) == PLAN.attributes
    with pytest.raises(PlatformRefused, match="check key"):
        rest(twin, "PKwrongwrong").devices()
    with pytest.raises(PlatformRefused, match="there is none"):
        client.device("1")
    assert provision(client, PLAN, lambda _text, _new: None, device_id=made, dry_run=True) == made


def test_the_twins_authority_is_not_everybodys(twin: Twin) -> None:
    with pytest.raises(LinkRefused, match="check rest_url and ca_file"):
        Rest(f"{twin.rest_tls_url}/iot/v1", Secret(twin.project_key), tls.context(None)).devices()


def latest(twin: Twin, device: str, sensor: str) -> Any:
    url = f"{twin.rest_url}{DEVICES}/device/{device}/sensor/{sensor}/rawdata"
    return ask(url, twin.project_key)


def operator(agent: AgentProcess, twin: Twin, *words: str) -> str:
    """One of the operator's commands, which must succeed; what it says."""
    agent.env["PROJECT_KEY"] = twin.project_key
    done = agent.command(*words)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.req("P-16", "P-17", "P-18", "P-19", "P-28")
@pytest.mark.parametrize("way", ["set", "set, device key", "reconfigure"])
def test_from_nothing_to_publishing_by_commands_alone(
    twin: Twin, tmp_path: Path, way: str
) -> None:
    serial = {"set": "10001", "set, device key": "10002", "reconfigure": "10003"}[way]
    with prepared(tmp_path, configuration(twin, serial)) as agent:
        agent.wait_until_up("registry")
        key = ("--key", "env:PROJECT_KEY")
        if way == "reconfigure":
            operator(agent, twin, "registry", "push", serial, "--reconfigure", *key)
        else:
            said = operator(agent, twin, "platform", "create", *key)
            device = said.split("device id: ")[1].split()[0]
            authority = ("--authority", "device") if "key" in way else ()
            operator(agent, twin, "registry", "push", serial, "--device-id", device, *authority,
                     *key)
        status = agent.wait_until_up()
        found = status["identity"]["device_id"]
        assert way == "reconfigure" or found == device
        # No key is needed any more: the daemon's own is known.
        assert f"knows device {found} \"pi{serial}\"" in operator(agent, twin, "doctor")
        assert "the platform has all 2 of them" in operator(agent, twin, "doctor")
        agent.terminate()  # everything read has arrived now
        http, reading = latest(twin, found, "tick")
        assert http == 200 and reading["value"] == ["1"]
        assert twin.project_key not in agent.log
