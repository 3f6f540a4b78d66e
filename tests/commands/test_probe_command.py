import socket
import subprocess
import sys
import threading

import pytest

from agent.clock import SystemClock
from agent.commands.probe import chosen, probe
from agent.config.model import Config, HardwareConfig, QuantityConfig, SensorConfig
from agent.errors import AgentError, SensorError
from tests.commands.daemon import Daemon

CONFIG = """
[platform]
device_id = "7432"
key = "env:KEY"
[service]
socket = "none.sock"
[hardware]
backend = "simulated"
[[sensor]]
id = "溫室"
driver = "dht22"
pin = 4
quantity = ["temperature", "humidity"]
[[sensor]]
id = "note"
driver = "file"
path = "note.txt"
"""


def sensor(name, *quantities):
    return SensorConfig(name, "dht22", quantities or (QuantityConfig("temperature", "°C"),))


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(CONFIG)
    (tmp_path / "note.txt").write_text("21.5\n")
    return path


def command(config, *words):
    return subprocess.run(
        [sys.executable, "-m", "agent", "probe", *words, "--config", str(config)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_a_daemon_the_sensors_are_read_here(config):
    done = command(config)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("溫室  ") and " °C, " in first and " %" in first
    assert second.startswith("note  21.5  (0.0")


def test_only_the_named_ones_are_read(config):
    assert command(config, "note").stdout.split()[:2] == ["note", "21.5"]


def test_one_that_fails_is_told_and_1(config):
    (config.parent / "note.txt").unlink()
    done = command(config)
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert "°C" in first and second.startswith("note  error: ")
    assert "sensor note" not in second


def test_an_unknown_name_is_one_line_and_1(config):
    done = command(config, "nots")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"cht-agent: no sensor nots in {config}: did you mean note?\n"


def test_a_bad_configuration_is_2(config):
    config.write_text("[hardware]\n")
    assert command(config).returncode == 2


ANSWER = [
    {"id": "溫室", "values": ["25.3", "61"], "unit": ["°C", "%"], "took_s": 0.27, "error": None},
    {"id": "note", "values": [], "unit": None, "took_s": 1.5, "error": "no such\nfile"},
]


def test_a_running_daemon_reads_them(tmp_path):
    asked = []

    async def read(peer, message):
        asked.append(message["ids"])
        return [entry for entry in ANSWER if not message["ids"] or entry["id"] in message["ids"]]

    with Daemon(tmp_path, {"probe": read}) as daemon:
        every, one = daemon.command("probe"), daemon.command("probe", "溫室")
    assert every.stdout == "溫室  25.3 °C, 61 %  (0.27 s)\nnote  error: no such file  (1.50 s)\n"
    assert every.returncode == 1
    assert (one.returncode, one.stdout) == (0, "溫室  25.3 °C, 61 %  (0.27 s)\n")
    assert asked == [[], ["溫室"]]


def test_a_daemon_that_closes_without_an_answer_keeps_its_lines(config):
    path = config.parent / "none.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True)
        thread.start()
        done = command(config)
        thread.join(10)
    assert (done.returncode, done.stdout) == (3, "")


def test_one_that_hangs_is_given_up_and_the_next_is_read():
    hold = threading.Event()

    def read(which):
        if which.id == "stuck":
            hold.wait(30)
        return {"temperature": 25.34}

    outcomes = list(probe([sensor("stuck"), sensor("fine")], read, SystemClock(), timeout=0.05))
    hold.set()
    assert outcomes[0].error == "no answer within 0.05 s"
    assert outcomes[1].error is None and outcomes[1].values == ["25.34"]
    assert outcomes[1].unit == ["°C"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SensorError("checksum"), "checksum"),
        (ZeroDivisionError("in a driver"), "the driver failed: ZeroDivisionError: in a driver"),
    ],
)
def test_whatever_a_driver_does_wrong_is_its_sensors_fault_alone(error, told):
    def read(which):
        if which.id == "bad":
            raise error
        return {"temperature": 1.0}

    bad, good = probe([sensor("bad"), sensor("good")], read, SystemClock())
    assert (bad.error, good.error) == (told, None)


def test_values_are_shown_as_they_would_be_sent():
    quantity = QuantityConfig("temperature", "°C", scale=2.0, offset=1.0, decimals=1, valid=(0, 50))

    def read(which):
        return {"temperature": {"in": 12.34, "out": 40.0}[which.id]}

    inside, outside = probe([sensor("in", quantity), sensor("out", quantity)], read, SystemClock())
    assert inside.values == ["25.7"]
    assert "outside valid range" in outside.error


def test_chosen_keeps_the_order_asked_for(tmp_path):
    config = Config(
        tmp_path, HardwareConfig("simulated"), sensors=(sensor("a"), sensor("b"), sensor("c"))
    )
    assert [one.id for one in chosen(config, [])] == ["a", "b", "c"]
    assert [one.id for one in chosen(config, ["c", "a"])] == ["c", "a"]
    with pytest.raises(AgentError, match="no sensor zzz"):
        chosen(config, ["zzz"])


def test_two_quantities_of_one_device_share_one_sample(config):
    shared = CONFIG.replace('quantity = ["temperature", "humidity"]', 'quantity = "temperature"')
    config.write_text(
        shared + '[[sensor]]\nid = "humidity"\ndriver = "dht22"\npin = 4\nquantity = "humidity"\n'
    )
    done = command(config, "溫室", "humidity")
    assert done.returncode == 0
    # A second try on the wire would have had to wait two seconds.
    assert float(done.stdout.splitlines()[1].split("(")[1].split()[0]) < 1.0
