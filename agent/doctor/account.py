"""Who this device is, and what the platform makes of it: configuration, identity, sensors."""

from __future__ import annotations

from collections.abc import Iterable

from agent.doctor.visit import Visit, there
from agent.errors import AgentError, LinkError
from agent.finding import Finding


def configuration(visit: Visit) -> Iterable[Finding]:
    """As ``cht-agent check``."""
    from agent.commands.check import summary
    from agent.config.load import inspect

    report = inspect(visit.path)
    visit.config = report.config
    for problem in report.problems:
        yield Finding(problem.severity, str(problem))
    if report.config is not None:
        yield Finding("good", summary(report.config))


def identity(visit: Visit) -> Iterable[Finding]:
    """Who we are, and whether we can know our key."""
    from agent import whoami

    config = there(visit.config)
    try:
        visit.identity = whoami.configured(config, visit.machine.environ)
        serial = whoami.serial_of(config, visit.identity)
        visit.identity = visit.identity or whoami.stored(config, visit.machine.environ)
    except AgentError as exc:
        yield Finding("error", str(exc))
        return
    if visit.identity is not None:
        source = "agent.toml" if visit.identity.source == "config" else "the registry"
        yield Finding("good", f"device {visit.identity.device_id}, from {source}")
        return
    product = config.registry.product_code if config.registry else ""
    yield Finding(
        "warning",
        f"nobody has told yet who this is: it waits in the registry as {product}{serial}",
        f"cht-agent registry push {serial} tells it, from the operator's side",
    )


def platform(visit: Visit) -> Iterable[Finding]:
    """Whether the platform's REST can be reached, takes our key, and knows our device."""
    from agent import reach

    config, who = there(visit.config), there(visit.identity)
    try:
        # Closed by whoever made the visit, also when it does not answer.
        visit.platform = reach.platform(config.platform, who.key, visit.clock().trusted)
        device = visit.platform.device(who.device_id)
    except LinkError as exc:
        mend = "" if "check " in str(exc) else "is the network there, and rest_url right?"
        yield Finding("error", str(exc), mend)
    except AgentError as exc:
        mend = "" if "check key" in str(exc) else "check device_id and key"
        yield Finding("error", str(exc), mend)
    else:
        visit.known = True
        name = f' "{device.name}"' if device.name else ""
        yield Finding("good", f"knows device {device.id}{name}")


def sensors(visit: Visit) -> Iterable[Finding]:
    """Whether the platform has every sensor and actuator of the configuration."""
    from agent.identity.blueprint import wanted_sensors
    from agent.identity.compare import compare

    wanted = wanted_sensors(there(visit.config))
    try:
        found = there(visit.platform).sensors(there(visit.identity).device_id)
    except AgentError as exc:
        yield Finding("error", str(exc))
        return
    findings = compare(wanted, found)
    yield from findings
    if not any(finding.severity == "error" for finding in findings):
        yield Finding("good", f"the platform has all {len(wanted)} of them")
