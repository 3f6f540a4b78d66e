"""The board as a whole: pins with their manners, the world behind them, faults, and its socket."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw_mocks.board import BoardError, SimulatedBoard
from hw_mocks.control import ControlServer, send
from hw_mocks.scenario import Fault, Iio, Input, Load, Scenario
from hw_mocks.tables import ScenarioError
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def board(clock: FakeClock) -> Iterator[SimulatedBoard]:
    board = SimulatedBoard(monotonic=clock.monotonic)
    yield board
    board.close()


def test_an_output_claimed_with_its_level_never_shows_another(board: SimulatedBoard) -> None:
    board.output(17, 1.0)
    assert board.history(17) == (1.0,)


def test_an_output_claimed_without_a_level_starts_low_as_on_a_pi(board: SimulatedBoard) -> None:
    line = board.pin_factory.pin(17)
    line.function = "output"
    line.state = True
    assert board.history(17) == (0.0, 1.0)


def test_a_taken_pin_is_refused(board: SimulatedBoard) -> None:
    board.output(17, 0.0)
    with pytest.raises(BoardError, match="GPIO17 is already in use"):
        board.device("DigitalInputDevice", 17)
    with pytest.raises(BoardError, match="GPIO17 is already in use"):
        board.output(17, 0.0)
    with pytest.raises(BoardError, match="99"):
        board.output(99, 0.0)


def test_a_closed_input_can_be_opened_again(board: SimulatedBoard) -> None:
    board.device("DigitalInputDevice", 17, pull_up=True).close()
    board.device("DigitalInputDevice", 17, pull_up=False)


def test_the_outside_is_stronger_than_a_pull(board: SimulatedBoard) -> None:
    board.drive(27, False)
    button = board.device("DigitalInputDevice", 27, pull_up=True)
    assert button.is_active
    board.drive(27, None)
    assert not button.is_active


def test_nobody_drives_an_output_from_outside(board: SimulatedBoard) -> None:
    board.output(17, 0.0)
    with pytest.raises(BoardError, match="output"):
        board.drive(17, True)


def test_the_fixed_pulls_of_the_i2c_pins(board: SimulatedBoard) -> None:
    with pytest.raises(BoardError, match="pull"):
        board.device("DigitalInputDevice", 2, pull_up=False)


def test_bouncing_shorter_than_the_bounce_time_is_not_seen(board: SimulatedBoard) -> None:
    button = board.device("DigitalInputDevice", 27, pull_up=False, bounce_time=0.2)
    for level in (True, False, True, False):
        board.drive(27, level)
    board.drive(27, True)
    assert board.level(27) == 0.0
    wait_until(lambda: board.level(27) == 1.0)
    assert [state.state for state in button.pin.states] == [False, True]


def test_the_history_is_bounded(board: SimulatedBoard) -> None:
    line = board.output(17, 0.0)
    for n in range(30_000):
        line.state = n % 2
    assert len(board.history(17)) == 10_000
    assert len(line.states) == 10_000


def test_loads_change_what_is_sensed(clock: FakeClock) -> None:
    board = SimulatedBoard(
        Scenario(start_hour=0, loads={"heater": Load(27, active_high=False)}), clock.monotonic
    )
    heater = board.output(27, 1.0)
    clock.advance(1800)
    before, _ = board.dht("dht22", 4).measure()
    heater.state = 0.0
    clock.advance(1800)
    after, _ = board.dht("dht22", 4).measure()
    assert before is not None and after is not None
    assert after > before + 5


def test_a_load_counts_only_while_it_was_on(clock: FakeClock) -> None:
    """The world is brought up to date before an output changes, not when it is next looked at."""
    board = SimulatedBoard(Scenario(start_hour=0, loads={"heater": Load(27)}), clock.monotonic)
    idle = SimulatedBoard(Scenario(start_hour=0), clock.monotonic)
    heater = board.output(27, 0.0)
    clock.advance(3600)
    heater.state = 1.0
    heater.state = 0.0
    assert board.world().temperature == pytest.approx(idle.world().temperature)


def test_scenario_faults_come_and_go(clock: FakeClock) -> None:
    faults = (Fault("dht22@4", "checksum", at=10, lasts=5), Fault("dht22@4", "hang", at=20))
    board = SimulatedBoard(Scenario(faults=faults), clock.monotonic)
    seen = []
    for _ in range(5):
        seen.append(board.fault_of("dht22@4"))
        clock.advance(6)
    assert seen == [None, None, "checksum", None, "hang"]
    board.clear("dht22@4")
    assert board.fault_of("dht22@4") is None
    board.fault("dht22@4", "slow", 3)
    assert board.fault_of("dht22@4") == "slow"
    clock.advance(3)
    assert board.fault_of("dht22@4") is None
    with pytest.raises(ScenarioError):
        board.fault("dht22@4", "bad mood")


def test_iio_files_show_the_world_in_the_kernel_s_units(board: SimulatedBoard) -> None:
    root = board.iio_root
    assert (root / "iio:device0" / "name").read_text() == "bme280\n"
    assert (root / "iio:device0" / "in_temp_input").read_text() == "25300\n"
    assert (root / "iio:device0" / "in_humidityrelative_input").read_text() == "62000\n"
    raw = float((root / "iio:device1" / "in_illuminance_raw").read_text())
    scale = float((root / "iio:device1" / "in_illuminance_scale").read_text())
    assert raw * scale == pytest.approx(board.world().light, rel=0.001)


def test_iio_faults_are_real_read_errors(board: SimulatedBoard) -> None:
    file = board.iio_root / "iio:device0" / "in_temp_input"
    board.fault("bme280", "checksum")
    with pytest.raises(OSError) as failed:
        file.read_text()
    assert failed.value.errno == errno.EIO
    board.fault("bme280", "unplugged")
    with pytest.raises(FileNotFoundError):
        file.read_text()
    board.clear("bme280")
    assert file.read_text() == "25300\n"


def test_a_stuck_iio_device_shows_the_past(clock: FakeClock) -> None:
    board = SimulatedBoard(Scenario(start_hour=0, loads={"heater": Load(27)}), clock.monotonic)
    board.output(27, 1.0)
    before = (board.iio_root / "iio:device0" / "in_temp_input").read_text()
    board.fault("bme280", "stuck")
    clock.advance(3600)
    assert (board.iio_root / "iio:device0" / "in_temp_input").read_text() == before
    board.clear("bme280")
    assert (board.iio_root / "iio:device0" / "in_temp_input").read_text() != before


def test_a_hanging_iio_file_lets_go_when_mended(board: SimulatedBoard) -> None:
    board.fault("bme280", "hang")
    file = board.iio_root / "iio:device0" / "in_temp_input"
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(file.read_text()), daemon=True)
    thread.start()
    thread.join(0.2)
    assert not answers
    board.clear("bme280")
    thread.join(5)
    assert answers in ([""], ["25300\n"])  # it may not have come to open the file before
    assert file.read_text() == "25300\n"


def test_the_iio_folder_goes_with_the_board(clock: FakeClock) -> None:
    board = SimulatedBoard(monotonic=clock.monotonic)
    root = board.iio_root
    assert root.is_dir()
    board.close()
    assert not root.exists()


def test_a_kernel_dht_names_its_pin(clock: FakeClock) -> None:
    device = Iio("dht11@11", {"temp": "temperature"}, pin=17)
    board = SimulatedBoard(Scenario(iio=(device,)), clock.monotonic)
    cells = (board.iio_root / "iio:device0" / "of_node" / "gpios").read_bytes()
    assert len(cells) == 12 and cells[4:8] == b"\0\0\0\x11"
    board.close()


def test_scenario_presses_happen() -> None:
    board = SimulatedBoard(Scenario(inputs=(Input(23, at=0.01, every=0.05, press=0.02),)))
    button = board.device("DigitalInputDevice", 23, pull_up=True)
    presses: list[bool] = []
    button.when_activated = lambda: presses.append(True)
    board.start()
    wait_until(lambda: len(presses) >= 3)
    board.close()


def test_hands_from_another_process(board: SimulatedBoard, tmp_path: Path) -> None:
    path = tmp_path / "control"
    server = ControlServer(board, path)
    button = board.device("DigitalInputDevice", 27, pull_up=True)
    line = board.output(17, 1.0)
    line.state = 0.0

    assert send(path, "press 27 0.05") == "ok"
    assert button.is_active
    wait_until(lambda: not button.is_active)
    assert send(path, "level 27 0") == "ok"
    assert button.is_active
    assert send(path, "release 27") == "ok"
    assert not button.is_active
    assert send(path, "read 17") == "0"
    assert send(path, "history 17") == "1 0"
    assert send(path, "fault dht22@4 no_answer") == "ok"
    assert board.fault_of("dht22@4") == "no_answer"
    assert send(path, "clear dht22@4") == "ok"
    assert board.fault_of("dht22@4") is None
    assert send(path, "world").startswith("25.3")
    for wrong in ("press 17", "press", "level 27 2", "read x", "read 99", "fault x y", "dance"):
        assert send(path, wrong).startswith("error: "), wrong
    assert path.stat().st_mode & 0o777 == 0o600

    server.close()
    assert not path.exists()
