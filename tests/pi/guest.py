"""Process 1 inside the bed's kernel: sets the machine up, then does what the tests outside ask.

    init=PYTHON -- guest.py ADDRESS/BITS PORT [INIT]

With INIT (systemd, say) that becomes process 1 once the machine is set up, on files whose changes
stay in memory; what is described here goes on beside it.

The tests speak to it over TCP: one JSON object a line, ``{"do": NAME, …}``, each answered by
``{"result": …}`` or ``{"error": TEXT}``. It starts and signals programs, moves the pulls of
simulated lines, reads levels and hands out the recording of every level change.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHIPS = (("expander", "raspberrypi-exp-gpio", 8), ("header", "pinctrl-bcm2711", 54))
"""(name, label, lines): on a real Pi, too, the header is not the only chip."""
CPUINFO = "Hardware\t: BCM2835\nRevision\t: c03114\nModel\t: Raspberry Pi 4 Model B Rev 1.4\n"
CONFIGFS = Path("/sys/kernel/config")
DEBUGFS = Path("/sys/kernel/debug")
TRACING = Path("/sys/kernel/tracing")
LOGS = Path("/run/log")
READY = "the bed is ready"
"""Printed on the console when requests are taken."""

_libc = ctypes.CDLL(None, use_errno=True)
_MS_BIND, _MS_MOVE = 4096, 8192
_POWER_OFF = 0x4321FEDC

_programs: dict[str, subprocess.Popen[bytes]] = {}


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    words = source.encode(), target.encode(), kind.encode(), flags, options.encode()
    if _libc.mount(*words) != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind or source} on {target}")


def set_up(address: str) -> None:
    """File systems, a recorder that misses nothing, a chip as on a Pi 4, a network."""
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    mount("devtmpfs", "/dev", "devtmpfs")
    mount("tmpfs", "/run", "tmpfs")
    mount("configfs", str(CONFIGFS), "configfs")
    mount("debugfs", str(DEBUGFS), "debugfs")
    mount("tracefs", str(TRACING), "tracefs")
    for folder in (LOGS, Path("/run/tmp"), Path("/run/work")):
        folder.mkdir()
    os.environ |= {"TMPDIR": "/run/tmp", "HOME": "/run/work"}
    os.chdir("/run/work")

    cpuinfo = Path("/run/cpuinfo")
    cpuinfo.write_text(Path("/proc/cpuinfo").read_text() + CPUINFO)
    mount(str(cpuinfo), "/proc/cpuinfo", flags=_MS_BIND)

    (TRACING / "trace_clock").write_text("mono")
    (TRACING / "events/gpio/enable").write_text("1")

    for name, label, lines in CHIPS:
        chip = CONFIGFS / "gpio-sim" / name
        (chip / "bank").mkdir(parents=True)
        (chip / "bank/num_lines").write_text(str(lines))
        (chip / "bank/label").write_text(label)
        (chip / "live").write_text("1")

    for command in ("link set lo up", f"addr add {address} dev eth0", "link set eth0 up"):
        subprocess.run(["ip", *command.split()], check=True)


def hand_over(init: str) -> None:
    """Make ``init`` process 1; returns in a child of it, on the same files."""
    mount("tmpfs", "/mnt", "tmpfs")
    changes, work, root = (Path("/mnt", name) for name in ("changes", "work", "root"))
    for folder in (changes, work, root):
        folder.mkdir()
    layers = f"lowerdir=/,upperdir={changes},workdir={work}"
    mount("overlay", str(root), "overlay", options=layers)
    for place in ("/proc", "/sys", "/dev", "/run"):
        mount(place, f"{root}{place}", flags=_MS_MOVE)
    os.chdir(root)
    mount(".", "/", flags=_MS_MOVE)
    os.chroot(".")
    # As a rule of udev's does on Raspberry Pi OS.
    for chip in Path("/dev").glob("gpiochip*"):
        shutil.chown(chip, group="gpio")
        chip.chmod(0o660)
    if os.fork():
        os.execl(init, init)
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def line(number: int, attribute: str) -> Path:
    return next(Path("/sys/devices/platform/gpio-sim.1").glob("gpiochip*")) / (
        f"sim_gpio{number}/{attribute}"
    )


def start(name: str, argv: list[str], env: dict[str, str]) -> int:
    """Runs ``argv``; its output goes to a log of that name, appended over restarts."""
    with (LOGS / name).open("ab") as log:
        _programs[name] = subprocess.Popen(
            argv, env=os.environ | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    return _programs[name].pid


def log(name: str) -> str:
    return (LOGS / name).read_text(errors="replace")


def shell(command: str, timeout: float, fed: str) -> tuple[int, str]:
    """Runs a command to its end; its exit code and all it said. TimeoutError after ``timeout`` s"""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command], input=fed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout, check=False, text=True, errors="replace", cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        raise TimeoutError(f"{command} took more than {timeout:g} s") from exc
    return done.returncode, done.stdout


def wait(name: str, timeout: float) -> int | None:
    try:
        return _programs[name].wait(timeout)
    except subprocess.TimeoutExpired:
        return None


def signal(name: str, number: int) -> None:
    _programs[name].send_signal(number)


def pull(number: int, up: bool) -> None:
    line(number, "pull").write_text("pull-up" if up else "pull-down")


def level(number: int) -> int:
    return int(line(number, "value").read_text())


def mark(text: str) -> None:
    """A line of the tests' own in the recording."""
    (TRACING / "trace_marker").write_text(text)


def recording() -> dict[str, Any]:
    """Every trace event since the boot, how many were lost, and the kernel's own numbers."""
    stats = (TRACING / "per_cpu/cpu0/stats").read_text()
    lost = [int(row.split(":")[1]) for row in stats.splitlines() if "overrun" in row]
    return {
        "trace": (TRACING / "trace").read_text(),
        "lost": sum(lost),
        "chips": (DEBUGFS / "gpio").read_text(),
    }


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def read(path: str) -> str:
    return Path(path).read_text()


def exists(path: str) -> bool:
    return Path(path).exists()


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb
    for verb in (start, shell, log, wait, signal, pull, level, mark, recording, write, read, exists)
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": VERBS[request.pop("do")](**request)}
    except (OSError, KeyError, TypeError, ValueError) as exc:
        return {"error": f"{type(exc).__name__}: {exc}"}


def serve(port: int) -> None:
    with socket.create_server(("", port)) as server:
        print(READY, flush=True)
        connection, _ = server.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            for request in stream:
                stream.write(json.dumps(answer(json.loads(request))) + "\n")
                stream.flush()


def main(address: str, port: str, init: str = "") -> None:
    try:
        set_up(address)
        if init:
            hand_over(init)
        else:
            mount("tmpfs", "/var/lib", "tmpfs")
        serve(int(port))
    finally:
        sys.stderr.flush()
        _libc.reboot(_POWER_OFF)


if __name__ == "__main__":
    main(*sys.argv[1:])
