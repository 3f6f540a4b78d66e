"""``cht-agent registry push``: one device or a file of them, told who they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.registry import Row, read_rows
from agent.errors import ConfigError
from tests.commands.rig import Bench
from tests.support.rest_platform import PROJECT, Fault, RestPlatform

KEY = ("--key", "file:project.key")
PUSH = ("registry", "push")


@pytest.fixture
def platform() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


@pytest.fixture
def bench(platform: RestPlatform, tmp_path: Path) -> Bench:
    return Bench(tmp_path, platform.url)


@pytest.mark.req("P-17", "P-18", "P-19", "P-28")
@pytest.mark.parametrize(("words", "body", "told"), [
    (("00001", "--device-id", "7432"),
     {"op": "SetDeviceId", "deviceId": "7432", "digest": "pi00001"}, "told that it is 7432"),
    (("00001", "--device-id", "7432", "--authority", "device"),
     {"op": "SetDeviceId", "deviceId": "7432", "digest": "pi00001", "authority": "device"},
     "told that it is 7432"),
    (("00001", "--reconfigure"), {"op": "Reconfigure", "digest": "pi00001"}, "told"),
    (("00001", "--reconfigure", "--digest", "abc"), {"op": "Reconfigure", "digest": "abc"}, "told"),
])  # fmt: skip
def test_one_device_is_told(
    bench: Bench, platform: RestPlatform, words: tuple[str, ...], body: object, told: str
) -> None:
    done = bench.run(*PUSH, *words, *KEY)
    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("1 told, 0 failed\n", f"1/1 00001: {told}\n")
    assert platform.pushed == [("pi00001", body, PROJECT)]


def test_one_failure_does_not_stop_the_others(bench: Bench, platform: RestPlatform) -> None:
    (bench.folder / "devices.csv").write_bytes(
        b"\xef\xbb\xbfSerial,device_id\r\n00001,7432\r\n\r\n0 2,7433\r\n00003,a/b\r\n00004\r\n"
        b"00001,7434\r\n00005,7432\r\n00006,7436,x\r\n00007, 7437\r\n00008,7438\r\n")
    platform.faults = [None, Fault((404, b'{"status":"no such device"}'))]
    done = bench.run(*PUSH, "--csv", "devices.csv", *KEY)
    assert done.returncode == 1
    assert done.stdout == "2 told, 7 failed\n"
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()][:8] == [
        "00001: told that it is 7432",
        "0 2: failed: a serial is letters and digits",
        "00003: failed: a device id is 1 to 64 characters without / + # and blanks",
        "00004: failed: no device id: give one, or --reconfigure to have it create itself",
        "00001: failed: the same serial as in line 2",
        "00005: failed: the same device id as in line 2",
        "00006: failed: more than a serial and a device id",
        f"00007: failed: {platform.url.removesuffix('/iot/v1')}: the registry's pi00007: "
        "there is none, or this key may not see it (no such device)"]
    assert done.stderr.splitlines()[-1] == "9/9 line 11: 00008: told that it is 7438"
    assert [name for name, _, _ in platform.pushed] == ["pi00001", "pi00008"]


def test_a_file_may_mix_both_kinds(bench: Bench, platform: RestPlatform) -> None:
    (bench.folder / "devices.csv").write_text("00001,7432\n00002,\n00003\n")
    done = bench.run(*PUSH, "--csv", "devices.csv", "--reconfigure", *KEY)
    assert (done.returncode, done.stdout) == (0, "3 told, 0 failed\n")
    assert [body["op"] for _, body, _ in platform.pushed] == [
        "SetDeviceId", "Reconfigure", "Reconfigure"]


def test_an_outage_fails_the_row_and_is_not_repeated(
    bench: Bench, platform: RestPlatform
) -> None:
    platform.faults = [Fault(), None]
    (bench.folder / "devices.csv").write_text("00001,7432\n00002,7433\n")
    done = bench.run(*PUSH, "--csv", "devices.csv", *KEY)
    assert (done.returncode, done.stdout) == (1, "1 told, 1 failed\n")
    assert len(platform.requests) == 2


@pytest.mark.parametrize(("words", "told"), [
    ((), "give one serial, or --csv FILE"),
    (("00001", "--csv", "devices.csv"), "give one serial, or --csv FILE"),
    (("00001",), "say who it is with --device-id ID"),
    (("00001", "--device-id", "1", "--reconfigure"), "say who it is with --device-id ID"),
    (("--csv", "devices.csv", "--device-id", "1"), "--device-id is for one serial"),
    (("--csv", "absent.csv"), "absent.csv cannot be read"),
    (("--csv", "big5.csv"), "big5.csv is not UTF-8"),
    (("--csv", "empty.csv"), "the file names no device"),
    (("0/1", "--reconfigure"), "a serial is letters and digits"),
    (("auto", "--reconfigure"), "a serial is letters and digits"),
    (("00001", "--device-id", "a b"), "a device id is 1 to 64 characters"),
    (("00001", "--reconfigure", "--product-code", "p/"), "--product-code must be letters"),
])  # fmt: skip
def test_wrong_arguments_are_one_line_and_nothing_is_sent(
    bench: Bench, platform: RestPlatform, words: tuple[str, ...], told: str
) -> None:
    (bench.folder / "devices.csv").write_text("00001,7432\n")
    (bench.folder / "big5.csv").write_bytes("溫室,7432\n".encode("cp950"))
    (bench.folder / "empty.csv").write_text("serial,device_id\n\n")
    done = bench.run(*PUSH, *words, *KEY)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("cht-agent: ") and told in line
    assert platform.requests == []


def test_the_key_itself_is_refused_and_not_repeated(bench: Bench, platform: RestPlatform) -> None:
    done = bench.run(*PUSH, "00001", "--reconfigure", "--key", "PKverysecret")
    assert done.returncode == 2 and "--key takes no key itself" in done.stderr
    assert "PKverysecret" not in done.stderr and platform.requests == []


def test_the_product_code_is_needed(bench: Bench, platform: RestPlatform) -> None:
    bench.configure('device_id = "1"\nkey = "file:project.key"')
    done = bench.run(*PUSH, "00001", "--reconfigure", *KEY)
    assert done.returncode == 2 and "--product-code gives the code" in done.stderr
    done = bench.run(*PUSH, "00001", "--reconfigure", "--product-code", "pc", *KEY)
    assert done.returncode == 0 and platform.pushed[0][0] == "pc00001"


@given(st.lists(st.text(max_size=20), max_size=10), st.booleans())
def test_any_lines_give_rows_or_one_clear_error(lines: list[str], reconfigure: bool) -> None:
    try:
        rows = read_rows(lines, reconfigure)
    except ConfigError:
        return
    good = [row for row in rows if row.fault is None]
    serials = [row.serial for row in good]
    ids = [row.device_id for row in good if row.device_id is not None]
    assert len(set(serials)) == len(serials) and len(set(ids)) == len(ids)
    assert all(row.serial.isascii() and row.serial.isalnum() for row in good)
    assert reconfigure or None not in [row.device_id for row in good]


def test_headings_are_no_row() -> None:
    assert read_rows(["serial,device_id", "a1,b"], False) == [Row("a1", "b", 2)]
    assert read_rows(["SERIAL", "a1"], True) == [Row("a1", None, 2)]
    assert read_rows(['"a1", "b"'], False) == [Row("a1", "b", 1)]
