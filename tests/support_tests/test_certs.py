"""Each certificate has exactly the fault it is named for, as Python's own TLS sees it."""

from __future__ import annotations

import socket
import ssl

import pytest

from tests.conftest import tls_options
from tests.support.certs import Certs
from twin.broker import Broker

FAULTS = {
    "expired": "expired",
    "wrong_host": "IP address mismatch",
    "unknown_ca": "unable to get local issuer",
    "self_signed": "self.signed",
}


def shake_hands(port: int, certs: Certs) -> None:
    context = ssl.create_default_context(cafile=str(certs.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default since Python 3.13
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1"),
    ):
        pass


def test_the_good_one_is_good(tls_broker: Broker, certs: Certs) -> None:
    shake_hands(tls_broker.port, certs)


@pytest.mark.parametrize("name", FAULTS)
def test_each_bad_one_has_its_fault(certs: Certs, name: str) -> None:
    pair = getattr(certs, name)
    with (
        Broker(tls_options(pair.cert, pair.key)) as broker,
        pytest.raises(ssl.SSLCertVerificationError, match=FAULTS[name]),
    ):
        shake_hands(broker.port, certs)
