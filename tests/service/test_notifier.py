import os
import socket
import subprocess
import sys

import pytest

from agent.service.systemd import Notifier

TALK = """
import os
{before}
os.environ["WATCHDOG_PID"] = str(os.getpid() + {pid_off})
from agent.service.systemd import Notifier
notifier = Notifier()
print(notifier.watchdog_interval)
notifier.ready()
notifier.status("platform up,\\n 3 sensors")
notifier.watchdog()
notifier.reloading()
notifier.stopping()
"""


def talk(environ, before="", pid_off=0):
    return subprocess.run(
        [sys.executable, "-c", TALK.format(before=before, pid_off=pid_off)],
        env={**os.environ, **environ}, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip


@pytest.fixture
def systemd(tmp_path):
    """The socket systemd would listen on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(0)
        yield listener


def heard(listener):
    messages = []
    try:
        while True:
            messages.append(listener.recv(4096).decode().strip())
    except BlockingIOError:
        return messages


def test_systemd_hears_every_notice(systemd):
    pytest.importorskip("systemd.daemon")
    done = talk({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000"})
    assert done.stdout == "15.0\n"
    assert heard(systemd) == [
        "READY=1", "STATUS=platform up, 3 sensors", "WATCHDOG=1", "RELOADING=1", "STOPPING=1",
    ]  # fmt: skip


def test_without_systemd_nothing_happens():
    environ = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    notifier = Notifier(environ)
    notifier.ready()
    notifier.watchdog()
    assert notifier.watchdog_interval is None


def test_without_systemd_python_the_operator_is_told_why_the_start_will_time_out(systemd):
    done = talk(
        {"NOTIFY_SOCKET": systemd.getsockname()}, before="import sys; sys.modules['systemd'] = None"
    )
    assert heard(systemd) == []
    assert "install python3-systemd" in done.stderr


def test_another_process_watchdog_is_not_ours():
    assert talk({"WATCHDOG_USEC": "30000000"}, pid_off=1).stdout == "None\n"


@pytest.mark.parametrize("text", ["", "0", "soon", "-5"])
def test_a_senseless_watchdog_is_none(text):
    assert Notifier({"WATCHDOG_USEC": text}).watchdog_interval is None
