"""The doctor's table: every check, in the order they are made and told."""

from __future__ import annotations

from agent.doctor import (
    account,
    boot,
    broker,
    daemon,
    endpoints,
    kernel_sensors,
    keys,
    libraries,
    pins,
    power,
    service,
    standing,
    storage,
    telephone,
)
from agent.doctor.visit import Check

CHECKS = (
    Check("configuration", account.configuration),
    Check("service", service.service),
    Check("daemon", daemon.daemon),
    Check("rivals", daemon.rivals),
    Check("identity", account.identity, ("config",)),
    Check("keys", keys.keys, ("config",)),
    Check("will", standing.will, ("config",)),
    Check("clock", standing.clock, ("config",)),
    Check("time-zone", standing.time_zone, ("config",), phone=True),
    Check("power", power.power),
    Check("kernel", boot.kernel),
    Check("gpiozero", libraries.gpiozero),
    Check("gpio", pins.header, ("config",), pins=True),
    Check("pins", pins.pins, ("config",), pins=True),
    Check("overlays", pins.overlays, ("config",), pins=True),
    Check("lgpio", libraries.lgpio, ("config",), pins=True),
    Check("dht", kernel_sensors.dht, ("config",), pins=True),
    Check("one-wire", kernel_sensors.one_wire, ("config",), pins=True),
    Check("spi", kernel_sensors.spi, ("config",), pins=True),
    Check("state", storage.state, ("config",)),
    Check("disk", storage.disk, ("config",)),
    Check("card", storage.card),
    Check("dns", endpoints.names, ("config",)),
    Check("port", endpoints.ports, ("config",)),
    Check("tls", endpoints.certificates, ("config",)),
    Check("broker", broker.platform, ("broker",)),
    Check("platform", account.platform, ("identity", "rest")),
    Check("sensors", account.sensors, ("known",)),
    Check("phone-broker", broker.telephone, ("phone",), phone=True),
    Check("phone", telephone.telephone, ("phone-rest",), phone=True),
)
"""``name`` → what each is about stands in docs/commands.md."""
