"""The platform's REST and the telephone service's, as a configuration says they are reached."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent import tls
from agent.config.menus import PhoneConfig
from agent.config.model import PlatformConfig, Secret
from agent.service import logs

if TYPE_CHECKING:
    from agent.identity.rest import Rest
    from agent.phone.service import PhoneService


def platform(
    config: PlatformConfig, key: Secret, clock_trusted: Callable[[], bool] = lambda: True
) -> Rest:
    """Connects to nothing yet. Raises ConfigError when the CA file cannot be used."""
    from agent.identity.rest import Rest  # brings urllib3, which most runs never need

    logs.redact([key])
    context = _context(config.rest_url, config.ca_file)
    return Rest(config.rest_url, key, context, clock_trusted=clock_trusted)


def telephone(
    config: PhoneConfig, key: Secret, clock_trusted: Callable[[], bool] = lambda: True
) -> PhoneService:
    """The same of the telephone service."""
    from agent.phone.service import PhoneService

    logs.redact([key])
    context = _context(config.rest_url, config.ca_file)
    return PhoneService(config.rest_url, key, context, clock_trusted=clock_trusted)


def _context(url: str, ca_file: Path | None) -> ssl.SSLContext | None:
    return tls.context(ca_file) if url.startswith("https:") else None
