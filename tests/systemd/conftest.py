"""These tests need machines with systemd: ``tests/systemd/run`` provides them.

They are collected only there. A test gets a machine of its own; one with the package installed
costs about a second, as it starts from the files of a machine on which that was done once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.package import build_package
from tests.systemd import bed
from tests.systemd.bed import Machine

ROOT = os.environ.get("CHT_SYSTEMD_ROOT")

collect_ignore_glob = [] if ROOT else ["test_*.py"]

Packages = Callable[..., Path]

SIMULATED = """
    [platform]
    host = "127.0.0.1"
    port = 1883
    tls = false
    device_id = "7432"
    key = "credential:device-key"
    [heartbeat]
    pulse = "15s"
    [clock]
    trust = "always"
    [hardware]
    backend = "simulated"
    [[sensor]]
    id = "load"
    driver = "load_average"
    every = "1s"
    [[actuator]]
    id = "lamp"
    driver = "relay"
    pin = 17
"""
KEY = "DKcanary0815canary"
"""The device's key on these machines; it must show up nowhere."""


@pytest.fixture(scope="session")
def rootfs() -> Path:
    """Debian as it comes, with what the package depends on."""
    assert ROOT is not None
    return Path(ROOT)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Builds this project as ``build(version, *edits)``: the package."""
    return lambda version, *edits: build_package(
        tmp_path_factory.mktemp(f"build-{version}"), version, *edits
    )


@pytest.fixture(scope="session")
def package(build: Packages) -> Path:
    """This project's package, as version 1.0."""
    return build("1.0")


@pytest.fixture(scope="session")
def installed(rootfs: Path, package: Path) -> Iterator[Path]:
    """The files that an installation and a first configuration add to ``rootfs``."""
    with bed.scratch() as scratch:
        with bed.boot([rootfs], scratch) as machine:
            done = machine.install(package)
            assert done, done.out
            machine.write("/etc/credstore/device-key", f"{KEY}\n", 0o600)
            machine.configure(SIMULATED)
            machine.comes_up()
            machine.do("systemctl stop cht-agent mosquitto")
        yield scratch / "changes"


@pytest.fixture
def bare(rootfs: Path) -> Iterator[Machine]:
    """A machine without the package."""
    with ExitStack() as stack:
        yield stack.enter_context(bed.boot([rootfs], stack.enter_context(bed.scratch())))


@pytest.fixture
def start(rootfs: Path, installed: Path) -> Iterator[Callable[..., Machine]]:
    """Boots a machine with the package: ``start(*options of systemd-nspawn)``."""
    with ExitStack() as stack:

        def start_(*options: str) -> Machine:
            scratch = stack.enter_context(bed.scratch())
            return stack.enter_context(bed.boot([installed, rootfs], scratch, *options))

        yield start_


@pytest.fixture
def machine(start: Callable[..., Machine]) -> Machine:
    """A machine whose service runs, with simulated hardware and a broker of its own."""
    machine = start()
    machine.comes_up()
    return machine
