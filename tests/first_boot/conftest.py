"""Machines with the real cloud-init, as Raspberry Pi OS configures it, beside the platform's twin.

They are collected only where ``make test-card`` provides them: a network of the tests' own, a root
file system with cloud-init, the right to boot it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.cards.__main__ import main
from tests.cards import rig
from tests.systemd import bed
from tests.systemd.bed import Machine
from tests.systemd.conftest import build, package, rootfs
from twin.serving.process import Twin

__all__ = ["build", "package", "rootfs"]

IN_BED = os.environ.get("CHT_BED") == "card"
collect_ignore_glob = [] if IN_BED else ["test_*.py"]

# The few lines by which the image makes cloud-init look at the boot partition. (The slash is for
# Bookworm's version; later ones add it themselves.)
_SOURCE = """
    datasource_list: [NoCloud, None]
    datasource:
      NoCloud:
        seedfrom: file:///boot/firmware/
    locale: C.UTF-8
"""


@pytest.fixture(scope="session", autouse=True)
def network() -> None:
    """Loopback, in the network of these tests."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin() as running:
        yield running


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A boot partition fresh from Imager."""
    return rig.partition(tmp_path / "bootfs")


Flash = Callable[..., None]


@pytest.fixture
def flash(card: Path, package: Path, tmp_path: Path) -> Flash:
    """Makes ``card``: ``flash(text of agent.toml, *options)``."""

    def flash_(text: str, *options: str) -> None:
        config = tmp_path / "agent.toml"
        config.write_text(text)
        argv = ["--config", str(config), "--package", str(package), "--boot", str(card), *options]
        assert main(argv, ask=lambda _question: "") == 0

    return flash_


@pytest.fixture
def power_on(rootfs: Path, card: Path) -> Iterator[Callable[[], Machine]]:
    """Boots the card for the first time."""
    with ExitStack() as stack:

        def power_on_() -> Machine:
            scratch = stack.enter_context(bed.scratch())
            source = scratch / "source.cfg"
            source.write_text(_SOURCE)
            return stack.enter_context(bed.boot(
                [rootfs], scratch, f"--bind={card}:/boot/firmware",
                f"--bind-ro={source}:/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg",
                own_network=False, settles_in=240,
            ))  # fmt: skip

        yield power_on_
