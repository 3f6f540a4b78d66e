"""What every test may ask for: brokers that behave in one way each, a faulty network, a name.

Each test gets a broker of its own (it starts in 20 ms), so it may kill it.
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certs import Certs, make_certs
from twin.broker import Broker
from twin.mosquitto import EVERYTHING, BrokerOptions, Listener, Role
from twin.proxy import FaultProxy

DEVICE_KEY = "DKtestdevicekey"
"""User name and password of the device on brokers that want one (P-03)."""
PROJECT_KEY = "PKtestprojectkey"
"""Those of the platform's side, who may see and send everything."""


def pytest_configure() -> None:
    """Programs of the tests start from the usual signals. What a shell starts in the background
    ignores SIGINT, what nohup starts SIGHUP, and they would inherit that; what is caught they do
    not inherit. The tests themselves go on ignoring it."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture
def device_id() -> str:
    """A device id no other test uses."""
    return f"d{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Certs:
    """Certificates for 127.0.0.1, good and bad."""
    return make_certs(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Plain, open to anybody."""
    with Broker() as running:
        yield running


@pytest.fixture
def password_broker() -> Iterator[Broker]:
    """Wants DEVICE_KEY or PROJECT_KEY as user name and password."""
    with Broker(BrokerOptions(users=_USERS)) as running:
        yield running


@pytest.fixture
def tls_broker(certs: Certs) -> Iterator[Broker]:
    """TLS with a good certificate of ``certs.ca``, and passwords as above."""
    with Broker(tls_options(certs.server.cert, certs.server.key)) as running:
        yield running


@pytest.fixture
def limited_broker() -> Iterator[Broker]:
    """Loses payloads over 5,000 bytes without a word (P-04)."""
    with Broker(BrokerOptions(message_size_limit=5000)) as running:
        yield running


@pytest.fixture
def denying_broker() -> Iterator[Broker]:
    """Refuses every SUBSCRIBE of DEVICE_KEY with 128; PROJECT_KEY may do everything."""
    roles = {DEVICE_KEY: Role(publish=("#",)), PROJECT_KEY: EVERYTHING}
    with Broker(BrokerOptions(users=_USERS, roles=roles)) as running:
        yield running


@pytest.fixture
def proxy(broker: Broker) -> Iterator[FaultProxy]:
    """A faulty network before ``broker``; it behaves until told otherwise."""
    with FaultProxy(broker.port) as running:
        yield running


def tls_options(cert: Path, key: Path) -> BrokerOptions:
    """A TLS broker with passwords and this certificate, for the bad ones of ``certs``."""
    return BrokerOptions(listeners=(Listener(cert=cert, key=key),), users=_USERS)


_USERS = {DEVICE_KEY: DEVICE_KEY, PROJECT_KEY: PROJECT_KEY}
