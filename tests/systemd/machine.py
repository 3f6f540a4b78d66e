"""A machine whose process 1 is systemd, as the tests see it: shell commands, and the service."""

from __future__ import annotations

import shlex
import textwrap
from abc import ABC, abstractmethod
from dataclasses import dataclass

from tests.support.waiting import wait_until

UNIT = "cht-agent.service"
CONFIG = "/etc/cht-agent/agent.toml"


@dataclass(frozen=True)
class Done:
    """How a command ended, with all it said."""

    code: int
    out: str

    def __bool__(self) -> bool:
        return self.code == 0


class Systemd(ABC):
    """The service on a running machine. How a command gets there, each bed knows for itself."""

    @abstractmethod
    def try_(self, command: str, timeout: float = 60, fed: str = "") -> Done:
        """Run a shell command as root, however it ends; ``fed`` is what it may read."""

    def do(self, command: str, timeout: float = 60) -> str:
        """Run a shell command that must succeed; what it said."""
        done = self.try_(command, timeout)
        assert done, f"{command} ended with {done.code} and said:\n{done.out}"
        return done.out.strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file, which may be indented as a whole."""
        place = shlex.quote(path)
        done = self.try_(f"mkdir -p $(dirname {place}) && cat >{place} && chmod {mode:o} {place}",
                         fed=textwrap.dedent(text).lstrip("\n"))  # fmt: skip
        assert done, done.out

    # --- the service ------------------------------------------------------------------------------

    def show(self, name: str, unit: str = UNIT) -> str:
        """One property of the unit."""
        return self.do(f"systemctl show --property={name} --value {unit}")

    def pid(self) -> int:
        """The agent's process, as numbered inside."""
        return int(self.show("MainPID"))

    def is_up(self) -> bool:
        return self.show("ActiveState") == "active"

    def restarts(self) -> int:
        return int(self.show("NRestarts"))

    def comes_up(self, timeout: float = 30) -> None:
        """Wait until the service is ready; AssertionError also once systemd has given it up."""

        def settled() -> str | None:
            state = self.show("ActiveState")
            return state if state in ("active", "failed") else None

        try:
            state = wait_until(settled, timeout, "the service to be ready")
            assert state == "active", "the service has failed"
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{self.journal()}") from None

    def says(self, text: str, timeout: float = 20, since: str = "") -> None:
        """Wait until ``text`` stands in the unit's journal (after the cursor ``since``)."""
        try:
            wait_until(lambda: text in self.journal(since), timeout, repr(text))
        except AssertionError as exc:
            raise AssertionError(f"{exc}; the journal has:\n{self.journal(since)}") from None

    def journal(self, since: str = "") -> str:
        """The unit's journal, and what systemd says of it."""
        after = f"--after-cursor={shlex.quote(since)}" if since else ""
        return self.try_(f"journalctl --no-pager -q -o cat -u {UNIT} {after}").out

    def cursor(self) -> str:
        """Where the journal stands now."""
        said = self.do("journalctl --no-pager -q -n 0 --show-cursor")
        return said.partition("cursor: ")[2].strip()

    def drop_in(self, text: str) -> None:
        """Lay lines over the unit's [Service], instead of those of the last call."""
        self.write(f"/etc/systemd/system/{UNIT}.d/test.conf",
                   "[Service]\n" + textwrap.dedent(text).lstrip("\n"))  # fmt: skip
        self.do("systemctl daemon-reload")

    def configure(self, text: str) -> None:
        """Another configuration, and the service started anew with it."""
        self.write(CONFIG, text)
        self.do(f"systemctl restart {UNIT}")
