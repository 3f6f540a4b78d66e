"""The whole agent on the telephone: calls through the twin's service, as a caller hears them."""

from __future__ import annotations

import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw_mocks.control import send
from tests.end_to_end.phone_site import (
    LISTED,
    MENUS,
    PIN,
    QUICK,
    STRANGER,
    WATER,
    Handset,
    PhoneSite,
    phone_site,
    rented_number,
)
from tests.end_to_end.station import LAMP
from tests.support.waiting import wait_until
from twin.serving.process import Twin

ENDED = "the service hung up"


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(QUICK) as running:
        yield running


@pytest.fixture(scope="module")
def rented(twin: Twin) -> tuple[str, str]:
    return rented_number(twin)


def levels(here: PhoneSite) -> str:
    """Every level the lamp's pin has had, oldest first."""
    return send(Path(here.agent.env["HW_MOCKS_CONTROL"]), "history 17")


def give_pin(caller: Handset, pin: str = PIN) -> None:
    caller.hear("請按二")
    caller.press("2")
    caller.hear("請輸入密碼")
    caller.press(f"{pin}#")


# --- readings -----------------------------------------------------------------------------------


@pytest.mark.req("T-01", "T-03")
def test_a_caller_is_greeted_hears_a_live_reading_and_says_goodbye(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call() as caller:
        greeting = caller.hear("溫室您好", "查詢水溫請按一", "留言請按三")
        assert greeting.count("您好") == 1
        caller.press("1")
        caller.hear("水溫二十五點三度，", "測得。", "查詢水溫按一")
        (tmp_path / "water").write_text("-2.5")
        wait_until(lambda: here.status()["sensors"][0]["values"] == ["-2.5"], 10, "a new reading")
        caller.press("1")
        caller.hear("水溫零下二點五度，", "測得。")
        assert here.status()["calls"]["open"] == 1
        caller.press("0")
        caller.hear("再見")
        assert caller.hear_end() == ENDED
        calls = here.status()["calls"]
        assert (calls["open"], calls["answered"]) == (0, 1)
        assert "refused_answers" not in calls["counts"], here.agent.log
        log = here.log()
        assert "read.water" in log and "ended: goodbye" in log
        assert "0900***001" in log and LISTED not in log + here.agent.log


def test_old_and_faulty_readings_are_said_to_be_so(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    menus = MENUS.replace('"10m"', '"1s"')
    seldom = WATER.replace("250ms", "1h")
    with phone_site(twin, rented, tmp_path, menus, seldom + LAMP) as here:
        wait_until(lambda: here.status()["sensors"][0]["age_s"] > 1.5, 10, "an old reading")
        with here.call() as caller:
            caller.hear("查詢水溫")
            caller.press("1")
            caller.hear("資料已過期", "二十五點三度", "測得")
            (tmp_path / "water").unlink()
            here.agent.command("probe", "water")
            assert here.status()["sensors"][0]["quality"] == "fault"
            caller.press("1")
            said = caller.hear("感測器故障", "查詢水溫")
            assert "二十五" not in said


def test_a_sensor_that_hangs_is_waited_for_with_music(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    menus = MENUS.replace('測得。"', '測得。"\nfresh = true')
    light = '[[sensor]]\nid = "water"\ndriver = "iio"\ndevice = "bh1750"\n'
    light += 'channel = "illuminance"\nevery = "1h"\n'
    with phone_site(twin, rented, tmp_path, menus, light + LAMP) as here:
        wait_until(lambda: here.status()["sensors"][0]["quality"] == "good", 10, "a reading")
        send(Path(here.agent.env["HW_MOCKS_CONTROL"]), "fault bh1750 hang")
        with here.call() as caller:
            caller.hear("查詢水溫")
            caller.press("1")
            caller.hear("請稍候。", "水溫", "查詢水溫", timeout=30)
            assert caller.music == 1
            assert here.status()["calls"]["counts"]["waits"] == 1


# --- the PIN, and what it opens -------------------------------------------------------------------


def test_a_lamp_is_switched_behind_the_pin_and_seen_to_move(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call() as caller:
        before = levels(here)
        give_pin(caller)
        caller.hear("開燈請按一")
        caller.press("1")
        caller.hear("即將打開電燈", "確定請按一")
        assert levels(here) == before
        caller.press("0")
        caller.hear("已經取消", "開燈按一")
        caller.press("1")
        caller.hear("確定請按一")
        caller.press("1")
        caller.hear("電燈已打開", "開燈按一")
        assert levels(here) == f"{before} 1"
        lamp = here.status()["actuators"][0]
        assert lamp["state"] == "on"
        assert lamp["last_command"] == {"cmd": "on", "from": "phone", "result": "on"}
        caller.press("2")
        caller.hear("確定請按一")
        caller.press("1")
        caller.hear("關閉")
        assert levels(here) == f"{before} 1 0"
        caller.hang_up()
        wait_until(lambda: here.status()["calls"]["open"] == 0, 10, "the call to be forgotten")
        log = here.log()
        assert "lamp on: on" in log and "do.on cancelled" in log and "hung up" in log
        assert PIN not in log + here.agent.log


def test_wrong_pins_end_the_call_then_lock_it_for_all_and_over_restarts(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here:
        with here.call() as caller:
            give_pin(caller, "111112")
            for _ in range(2):
                caller.hear("密碼不對", "請再輸入密碼")
                caller.press("111112#")
            caller.hear("再見")
            assert caller.hear_end() == ENDED
        with here.call() as caller:
            give_pin(caller, "111112")
            caller.hear("密碼不對")
            caller.press("111112#")
            caller.hear("密碼不對")
            caller.press(f"{PIN}#")
            caller.hear("密碼已經暫時停用")
            caller.hang_up()
        assert here.agent.terminate() == 0
        here.agent.start()
        here.up()
        with here.call() as caller:
            give_pin(caller)
            caller.hear("密碼已經暫時停用")
            assert "0 1" not in levels(here)
            unlocked = here.command("unlock")
            assert (unlocked.returncode, unlocked.stdout) == (0, "PINs are taken again\n")
            caller.press("2")
            caller.hear("請輸入密碼")
            caller.press(f"{PIN}#")
            caller.hear("開燈請按一")


@pytest.mark.parametrize("phone", ["", STRANGER])
def test_a_hidden_or_unknown_number_hears_readings_and_moves_nothing(
    twin: Twin, rented: tuple[str, str], tmp_path: Path, phone: str
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call(phone) as caller:
        caller.hear("查詢水溫")
        caller.press("2")
        said = caller.hear("只開放給登記的號碼", "查詢水溫")
        assert "密碼" not in said
        caller.press("1")
        caller.hear("二十五點三度")
        caller.hang_up()
        assert "menu.lamp refused: unlisted" in here.log()


def test_two_hidden_callers_at_once_are_two_calls(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call("") as one, here.call("") as two:
        one.hear("查詢水溫")
        two.hear("查詢水溫")
        one.press("1")
        one.hear("二十五點三度")
        two.press("5")
        two.hear("沒有這個選項")
        one.hang_up()
        two.press("1")
        two.hear("二十五點三度")


# --- memos, restarts, menus -----------------------------------------------------------------------


@pytest.mark.req("T-10", "T-41")
def test_a_memo_is_kept_for_us_alone(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here:
        with here.call() as caller:
            caller.hear("留言請按三")
            caller.press("3")
            # Just after a start no way back from a recording is safe, and the caller is told so.
            caller.hear("請留言", "錄完之後電話會自動結束")
            caller.record("水管漏水了")
            caller.hear_end()
        folder = tmp_path / "state" / "recordings"
        (wav,) = wait_until(lambda: list(folder.glob("*.wav")), 10, "a recording")
        assert wav.read_bytes().startswith(b"RIFF")
        assert stat.S_IMODE(wav.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (text,) = wait_until(lambda: list(folder.glob("*.txt")), 10, "a transcript")
        assert text.read_text(encoding="utf-8") == "水管漏水了\n"
        assert wav.name in here.log()


@pytest.mark.req("T-36")
def test_a_restart_in_mid_call_keeps_the_menu_and_asks_the_pin_again(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call() as caller:
        give_pin(caller)
        caller.hear("開燈請按一")
        here.agent.kill()
        here.agent.start()
        here.up()
        caller.press("1")
        caller.hear("中斷", "請輸入密碼")
        caller.press(f"{PIN}#")
        caller.hear("開燈請按一")
        assert here.status()["actuators"][0]["state"] == "off"


def test_menus_are_reloaded_in_mid_call_and_a_broken_one_never(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call() as caller:
        caller.hear("查詢水溫")
        here.menus.write_text(MENUS.replace("水溫{water}", "池水{water}"), encoding="utf-8")
        here.agent.signal(signal.SIGHUP)
        here.agent.wait_for_log("reloaded")
        caller.press("1")
        caller.hear("池水二十五點三度", "查詢水溫")
        for broken in ("[menu.main", MENUS.replace('"read.water"', '"read.wine"')):
            here.menus.write_text(broken, encoding="utf-8")
            before = len(here.agent.log)
            here.agent.signal(signal.SIGHUP)
            here.agent.wait_for_log("reload refused", after=before)
            caller.press("1")
            caller.hear("池水二十五點三度", "查詢水溫")
        (tmp_path / "pin.hash").write_text("480215")
        here.menus.write_text(MENUS, encoding="utf-8")
        before = len(here.agent.log)
        here.agent.signal(signal.SIGHUP)
        told = here.agent.wait_for_log("reload refused.*", after=before)
        assert "no hash of a PIN" in told and "480215" not in told
        caller.press("1")
        caller.hear("池水二十五點三度")


def test_a_stop_in_mid_call_is_quick_and_the_log_is_kept(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    with phone_site(twin, rented, tmp_path) as here, here.call() as caller:
        caller.hear("查詢水溫")
        caller.press("1")
        caller.hear("二十五點三度")
        assert here.agent.terminate(8) == 0
        log = here.log()
        assert "called" in log and "read.water" in log
        assert here.command("log", "-n", "1", "--json").stdout.count("\n") == 1


def test_without_a_phone_its_commands_say_so(
    twin: Twin, rented: tuple[str, str], tmp_path: Path
) -> None:
    from tests.end_to_end.station import prepared

    text = '[platform]\nhost = "127.0.0.1"\nport = 9\ntls = false\ndevice_id = "1"\nkey = "DK12"\n'
    with prepared(tmp_path, text + '[hardware]\nbackend = "simulated"\n') as agent:
        wait_until(agent.status, 15, "the agent")
        assert (agent.status() or {})["links"]["phone"]["state"] == "off"
        for word in ("log", "unlock"):
            done = agent.command("phone", word)
            assert done.returncode == 1 and "has no [phone]" in done.stderr
