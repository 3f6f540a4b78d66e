"""The way to the servers, with real ones on loopback: names, ports, certificates, keys."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.config.model import Secret
from agent.doctor import broker as brokers
from agent.doctor import endpoints, telephone
from agent.doctor.visit import Visit
from agent.identity.registry import Identity
from agent.phone import upload
from tests.conftest import DEVICE_KEY
from tests.doctor.rig import Patient, told
from tests.support.certs import Certs
from tests.twin.rest_client import Service, Stage
from twin.broker import Broker
from twin.mosquitto import BrokerOptions, Listener

WHO = 'device_id = "7432"\nkey = "file:device.key"\n'


def at(pi: Patient, host: str, port: int, more: str = "", rest: str = "") -> Visit:
    """A visit to a device whose broker is there, and its REST, too."""
    rest = rest or f"http://127.0.0.1:{port}"
    pi.configure("", f'{WHO}host = "{host}"\nport = {port}\nrest_url = "{rest}"\n{more}')
    visit = pi.visit()
    visit.identity = Identity("7432", Secret(DEVICE_KEY), "config")
    return visit


def way(visit: Visit) -> list[str]:
    """What is told of the way, as far as it goes."""
    return [line for check in (endpoints.names, endpoints.ports, endpoints.certificates)
            for line in told(check(visit)) if not line.startswith("good")]


def test_a_good_way(pi: Patient, broker: Broker) -> None:
    visit = at(pi, "localhost", broker.port, "tls = false\n")
    assert told(endpoints.names(visit))[0].startswith("good localhost is ")
    assert told(endpoints.ports(visit)) == [
        f"good localhost:{broker.port} answers", f"good 127.0.0.1:{broker.port} answers"]
    assert told(endpoints.certificates(visit)) == []
    assert set(visit.open) == {"broker", "rest"}


def test_a_name_that_leads_nowhere(pi: Patient, broker: Broker) -> None:
    visit = at(pi, "no-such-host.invalid", broker.port, "tls = false\n")
    (line,) = way(visit)
    assert line.startswith("error no-such-host.invalid ([platform] host): ")
    assert line.endswith("is the network up, and [platform] host right? resolvectl status tells of"
                         " DNS")
    assert set(visit.open) == {"rest"}
    pi.write("/etc/resolv.conf", "# nothing\n")
    (line,) = way(at(pi, "no-such-host.invalid", broker.port, "tls = false\n"))
    assert line.endswith("no name server is set: is the network up? ip address")


def test_a_port_where_nothing_listens(pi: Patient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    visit = at(pi, "127.0.0.1", port, "tls = false\n")
    assert way(visit) == [
        f"error 127.0.0.1:{port}: nothing listens there: check [platform] host and its port; is the"
        " server running?"]
    assert visit.open == {}


def test_a_port_that_a_firewall_drops(pi: Patient) -> None:
    """A listener whose queue is full answers no more than a firewall does."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = [socket.create_connection(("127.0.0.1", port))]
        with pytest.raises(TimeoutError):
            while True:
                waiting.append(socket.create_connection(("127.0.0.1", port), 0.3))
        visit = at(pi, "127.0.0.1", port, "tls = false\n")
        assert len(told(endpoints.names(visit))) == 0
        (line,) = told(endpoints.ports(visit, patience=0.5))
        for one in waiting:
            one.close()
    assert visit.reached == []
    assert line.startswith(f"error 127.0.0.1:{port}: no answer within ")
    assert line.endswith(f"a firewall probably drops what goes to port {port}: have it opened")


@pytest.fixture
def secure(certs: Certs) -> Iterator[Callable[[str], Broker]]:
    """Starts a broker with the certificate of that name."""
    running: list[Broker] = []

    def start(name: str) -> Broker:
        pair = getattr(certs, name)
        running.append(Broker(BrokerOptions(
            listeners=(Listener(cert=pair.cert, key=pair.key), Listener()),
            users={DEVICE_KEY: DEVICE_KEY})))
        running[-1].start()
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.mark.req("P-01")
@pytest.mark.parametrize(("name", "told_of"), [
    ("expired", "certificate has expired; renew it on the server, or check this machine's clock"),
    ("wrong_host", "certificate is not valid for '127.0.0.1'.; check host and ca_file"),
    ("unknown_ca", "unable to get local issuer certificate; check host and ca_file"),
    ("self_signed", "self-signed certificate; check host and ca_file"),
])  # fmt: skip
def test_a_bad_certificate(
    pi: Patient, secure: Callable[[str], Broker], certs: Certs, name: str, told_of: str
) -> None:
    one = secure(name)
    visit = at(pi, "127.0.0.1", one.ports[0], f'ca_file = "{certs.ca}"\n',
               f"http://127.0.0.1:{one.ports[1]}")
    (line,) = way(visit)
    assert line.startswith(f"error 127.0.0.1:{one.ports[0]}: certificate not accepted: ")
    assert line.endswith(told_of)
    assert set(visit.open) == {"rest"}


def test_a_certificate_judged_by_a_clock_that_is_not_set(
    pi: Patient, secure: Callable[[str], Broker], certs: Certs
) -> None:
    (pi.root / "run/systemd/timesync").mkdir(parents=True)
    one = secure("expired")
    (line,) = way(at(pi, "127.0.0.1", one.ports[0], f'ca_file = "{certs.ca}"\n',
                     f"http://127.0.0.1:{one.ports[1]}"))
    assert line.endswith("certificate has expired (this machine's clock is not set yet)")


def test_a_machine_without_certificates(pi: Patient, secure: Callable[[str], Broker]) -> None:
    one = secure("server")
    rest = f"http://127.0.0.1:{one.ports[1]}"
    (line,) = way(at(pi, "127.0.0.1", one.ports[0], rest=rest))
    assert line.endswith("check host and ca_file: sudo apt install ca-certificates")
    pi.write("/etc/ssl/certs/ca-certificates.crt", "")
    (line,) = way(at(pi, "127.0.0.1", one.ports[0], rest=rest))
    assert line.endswith("check host and ca_file")


def test_a_ca_file_that_is_none(pi: Patient, secure: Callable[[str], Broker]) -> None:
    one = secure("server")
    (line,) = way(at(pi, "127.0.0.1", one.ports[0], 'ca_file = "device.key"\n',
                     f"http://127.0.0.1:{one.ports[1]}"))
    assert "it must be a readable PEM certificate" in line


def test_a_port_without_tls(pi: Patient, secure: Callable[[str], Broker], certs: Certs) -> None:
    plain = secure("server").ports[1]
    (line,) = way(at(pi, "127.0.0.1", plain, f'ca_file = "{certs.ca}"\n',
                     f"http://127.0.0.1:{plain}"))
    assert line.startswith(f"error 127.0.0.1:{plain}: ")


def soon(folder: Path, certs: Certs) -> Listener:
    """The good certificate's key under one that ends in three days, signed by itself."""
    end = datetime.now(UTC) + timedelta(days=3, hours=1)
    cert, key = folder / "soon.crt", folder / "soon.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(key), "-out", str(cert), "-subj", "/CN=soon", "-days", "3",
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=critical,keyCertSign,"
         "digitalSignature"],
        check=True, capture_output=True)
    assert end > datetime.now(UTC)
    return Listener(cert=cert, key=key)


def test_a_certificate_that_ends_soon(pi: Patient, tmp_path: Path, certs: Certs) -> None:
    listener = soon(tmp_path, certs)
    with Broker(BrokerOptions(listeners=(listener, Listener()))) as one:
        visit = at(pi, "127.0.0.1", one.ports[0], f'ca_file = "{listener.cert}"\n',
                   f"http://127.0.0.1:{one.ports[1]}")
        (line,) = way(visit)
    assert line == (f"warning 127.0.0.1:{one.ports[0]}: its certificate is good for 2 days: whoever"
                    " runs the server must renew it")
    assert "broker" in visit.open, "it is good until then"


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.req("P-03")
def test_a_broker_that_takes_our_key(
    pi: Patient, secure: Callable[[str], Broker], certs: Certs
) -> None:
    one = secure("server")
    visit = at(pi, "127.0.0.1", one.ports[0], f'ca_file = "{certs.ca}"\n')
    assert told(brokers.platform(visit)) == [f"good 127.0.0.1:{one.ports[0]} takes our key"]
    visit.identity = Identity("7432", Secret("DKwrong"), "config")
    (line,) = told(brokers.platform(visit))
    assert line.startswith(f"error 127.0.0.1:{one.ports[0]}: the broker refuses the key")
    assert "DKwrong" not in line
    visit.identity = None
    assert told(brokers.platform(visit)) == ["skipped without the key"], "not as the registry"
    assert "doctor" in one.log and "as agent" not in one.log, "it must take nobody's client id"


@pytest.mark.req("P-03")
def test_the_registry_of_who_has_no_identity(pi: Patient) -> None:
    with Broker(BrokerOptions(users={"chtregistry": "chtregistry"})) as one:
        pi.configure("", f'host = "127.0.0.1"\nport = {one.port}\ntls = false\n'
                         '[registry]\nproduct_code = "pi"\nserial = "00001"\n')
        assert told(brokers.platform(pi.visit())) == [
            f"good 127.0.0.1:{one.port} takes the registry's login"]


# --- telephone -----------------------------------------------------------------------------------

MENUS = '[menu.main]\nsay = "您好。查詢請按一。"\nkeys = { 1 = "end" }\n'


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def tas(stage: Stage) -> Service:
    return stage.fresh()


def phoning(pi: Patient, tas: Service, more: str = "", key: str = "") -> Visit:
    pi.write("/etc/cht-agent/tas.key", key or tas.account).chmod(0o600)
    pi.write("/etc/cht-agent/sn.key", "an-sn-key-of-nobody").chmod(0o600)
    pi.write("/etc/cht-agent/phone.toml", MENUS)
    pi.configure(f'[phone]\nhost = "127.0.0.1"\nport = 1\ntls = false\n'
                 f'rest_url = "{tas.url}/apis/CHTIoT/phone-conn/v1"\n'
                 f'api_key = "file:tas.key"\n{more}')
    return pi.visit()


@pytest.mark.req("T-21", "T-30")
def test_a_telephone_key_that_is_not_taken(pi: Patient, tas: Service) -> None:
    (line,) = told(telephone.telephone(phoning(pi, tas)))
    assert line.startswith("error ") and "cht-agent phone rent" in line, "no number yet"
    (line,) = told(telephone.telephone(phoning(pi, tas, key="AKwrong")))
    assert line.startswith("error ") and "key is wrong" in line and "AKwrong" not in line
    visit = phoning(pi, tas)
    (pi.root / "etc/cht-agent/tas.key").unlink()
    assert "tas.key cannot be read" in told(telephone.telephone(visit))[0]


@pytest.mark.req("T-21", "T-25", "T-32", "T-42")
def test_a_number_from_rented_to_ready(pi: Patient, tas: Service) -> None:
    rented = tas.tas("POST", "/reg", {"appName": "greenhouse"}).json
    number, sn_key = rented["serviceNumber"], rented["SNKey"]
    said = told(telephone.telephone(phoning(pi, tas)))
    assert said == ["warning no service_number, so nobody can be phoned: set [phone]"
                    f" service_number; rented are {number}"]
    said = told(telephone.telephone(phoning(pi, tas, 'service_number = "034240099"\n')))
    assert f"error 034240099 was not rented with this key: rented are {number}" in said
    both = f'service_number = "{number}"\nsn_key = "file:sn.key"\n'
    visit = phoning(pi, tas, both)
    said = told(telephone.telephone(visit))
    assert said == [
        f"good {number} is in service",
        f"error [phone] sn_key is not that of {number}, so no call reaches the agent: cht-agent"
        " phone numbers --show-keys shows the right one",
        f"error no menu is set for {number}, so callers hear nothing: cht-agent phone menu push"]
    (pi.root / "etc/cht-agent/sn.key").write_text(sn_key)
    assert visit.config is not None and visit.config.book is not None
    nodes = [dict(node) for node in upload.nodes(visit.config.book)]
    tas.tas("POST", "/phoneConfig", {"serviceNumber": number, "ivrData": nodes})
    assert told(telephone.telephone(visit)) == [f"good {number} is in service"]
    nodes[0]["text"] = "別人。"
    tas.tas("POST", "/phoneConfig", {"serviceNumber": number, "ivrData": nodes})
    assert told(telephone.telephone(visit))[1].startswith(f"warning the greeting of {number} is")
    tas.tas("DELETE", f"/reg/{number}")
    assert told(telephone.telephone(visit))[0] == (
        f"error {number} is locked: cht-agent phone restore brings it back")


@pytest.mark.req("P-03")
def test_the_telephones_broker(pi: Patient, tas: Service) -> None:
    with Broker(BrokerOptions(users={tas.account: tas.account})) as one:
        phoning(pi, tas)
        text = pi.config.read_text().replace("port = 1\n", f"port = {one.port}\n")
        pi.config.write_text(text)
        visit = pi.visit()
        visit.identity = Identity("7432", Secret(DEVICE_KEY), "config")
        assert told(brokers.telephone(visit)) == [f"good 127.0.0.1:{one.port} takes our key"]
        (pi.root / "etc/cht-agent/tas.key").write_text("AKwrong")
        assert "the broker refuses the key" in told(brokers.telephone(visit))[0]
