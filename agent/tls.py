"""TLS as the platform needs it: verified, 1.2 or newer, and no way to switch that off."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ConfigError, LinkError, LinkLost, LinkRefused

# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_DATE_ERRORS = (9, 10)


@dataclass(frozen=True)
class Mends:
    """What an operator is told to check: the keys that say where this connection goes."""

    name: str = "check host and ca_file"
    port: str = "check the port"
    kind: str = "check port and tls"


BROKER = Mends()
REST = Mends("check rest_url and ca_file", "check rest_url", "check rest_url")


def context(ca_file: Path | None) -> ssl.SSLContext:
    """The system's certificate store, or ``ca_file`` alone where a private CA is configured.

    Raises ConfigError when ``ca_file`` cannot be read or holds no certificate.
    """
    try:
        made = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"ca_file {ca_file}: {exc.strerror or exc}; it must be a readable PEM certificate"
        ) from exc
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def failure(
    exc: ssl.SSLError, where: str, clock_trusted: bool, mends: Mends = BROKER
) -> LinkError:
    """A failed handshake as a link error.

    Before the clock is set every certificate looks expired or not yet valid, so that is a LinkLost
    and tried again soon (decision 1); what only an operator can mend is a LinkRefused.
    """
    if isinstance(exc, ssl.SSLCertVerificationError):
        why = f"{where}: certificate not accepted: {exc.verify_message}"
        if exc.verify_code in _DATE_ERRORS:
            if not clock_trusted:
                return LinkLost(f"{why} (this machine's clock is not set yet)")
            return LinkRefused(f"{why}; renew it on the server, or check this machine's clock")
        return LinkRefused(f"{why}; {mends.name}")
    if exc.reason in (
        "WRONG_VERSION_NUMBER",
        "UNSUPPORTED_PROTOCOL",
        "NO_PROTOCOLS_AVAILABLE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "NO_SHARED_CIPHER",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
    ):
        return LinkRefused(f"{where}: no TLS 1.2 or newer there ({exc.reason}); {mends.port}")
    return _broken_off(exc.reason or str(exc), where, mends)


def unreachable(
    exc: OSError, where: str, secure: bool, mends: Mends = BROKER
) -> LinkError:
    """No connection, or (``secure``) one that ended within the handshake."""
    if secure and isinstance(exc, ConnectionResetError):
        return _broken_off(exc.strerror or str(exc), where, mends)
    return LinkLost(f"{where}: {exc.strerror or exc}")


def _broken_off(why: str, where: str, mends: Mends) -> LinkError:
    return LinkLost(f"{where}: TLS handshake failed: {why}; {mends.kind}")
