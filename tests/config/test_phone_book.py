"""``phone.toml`` from file to ``Book``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config.menus import Callers, Do, Memo, Menu, Number, PinConfig, Read
from agent.config.model import SecretRef
from agent.phone.pin import PinHash
from tests.config.catalog import HEAD, look
from tests.config.menus import DEVICES, MAIN, book_of, look_at_menus, said_of_menus

PIN = '[pin]\nhash = "credential:phone-pin"\n'


def test_the_least_that_passes(tmp_path: Path) -> None:
    report = look_at_menus(tmp_path, MAIN)
    assert said_of_menus(report) == []
    book = book_of(tmp_path, MAIN)
    assert book.path == tmp_path / "phone.toml"
    assert book.menus == {"main": Menu("溫室您好。查詢溫度請按一。", {"1": "read.temperature"})}
    assert book.reads == {"temperature": Read("目前{temperature}，{temperature:age}測得。")}
    assert (book.attempts, book.max_turns, book.stale_after) == (3, 30, 600.0)
    assert (book.callers, book.pin) == (Callers(), None)


def test_everything_arrives_in_the_models_words(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        'voice = "M"\nlanguage = "en"\nstale_after = "90s"\n'
        '[callers]\nallow = ["0900-000-001", "+886 900000002"]\nunknown = "deny"\n'
        '[pin]\nhash = "file:pin"\nlock_for = "2d"\nentry = "speech"\n'
        "[menu.main]\nsay = 'Press 1, 2, press 3, press 4.'\nauth = 'pin'\nlanguage = 'zh'\n"
        "keys = { 1 = 'do.on', 2 = 'do.dim', 3 = 'memo.note', 4 = 'end' }\n"
        "speech = { 'lamp on' = 'do.on' }\nask = 'Say it.'\nshort = 'Say.'\nmin_confidence = 0.5\n"
        "[do.on]\ncommand = { actuator = 'lamp', cmd = 'on' }\nconfirm = false\nthen = 'end'\n"
        "[do.dim]\ncommand = { actuator = 'dimmer', digits = 3, scale = 0.01 }\nask = 'How much?'\n"
        "auth = 'pin'\n"
        "[memo.note]\nsay = 'Speak.'\nrecord = '1m'\ntranscript = true\nlanguage = 'en'\n",
    )
    assert (book.voice, book.language, book.stale_after) == ("M", "en", 90.0)
    assert book.callers == Callers(frozenset({"0900000001", "0900000002"}), "deny")
    assert book.pin == PinConfig(
        SecretRef("file", str(tmp_path / "pin")), lock_for=172_800.0, entry="speech"
    )
    menu = book.menus["main"]
    assert (menu.auth, menu.language, menu.min_confidence) == (True, "zh", 0.5)
    assert (menu.speech, menu.ask, menu.short) == ({"lamp on": "do.on"}, "Say it.", "Say.")
    assert book.actions == {
        "on": Do("lamp", "on", confirm=False, then="end"),
        "dim": Do("dimmer", number=Number(3, 0.01), ask="How much?", auth=True),
    }
    assert book.memos == {"note": Memo("Speak.", 60.0, transcript=True, language="en")}


def test_every_error_at_once_with_its_line_and_what_was_meant(tmp_path: Path) -> None:
    report = look_at_menus(
        tmp_path,
        """\
voice = "X"
repeat_key = "0"
back_key = "*"
[menue.main]
[caller]
[callers]
allow = ["12", 912345678]
attempts = 2
[pin]
hash = "123456"
[menu.start]
say = "按一。\\n"
keys = { 1 = "read.temprature", "#" = "end", 2 = 5 }
speech = { "溫度" = "end", "溫　度" = "end", "！" = "end" }
[read.temperature]
say = "溫度。"
then = "start"
[read."a b"]
say = "溫度。"
[do.lamp]
command = { actuator = "lmap", cmd = "on" }
[do.lamp2]
command = { actuator = "lamp", cmd = "onn", sacle = 2 }
[do.lamp3]
command = { actuator = "lamp", cmd = "onn" }
[do.lamp4]
command = { actuator = "lamp", digits = 3 }
[do.lamp5]
command = { actuator = "lamp" }
[do.dim]
command = { actuator = "dimmer", cmd = "1.5" }
[memo]
record = "60s"
[memo.note]
record = "10m"
""",
    )
    assert report.config is None
    assert said_of_menus(report) == [
        '1 voice: "X" is not one of "F", "M"',
        '2 repeat_key: repeat_key and back_key are both "0"',
        '3 back_key: "*" is not allowed: one key in quotes, "0" to "9"',
        '4 menue: unknown section; did you mean "menu"?',
        '5 caller: unknown section; did you mean "callers"?',
        "7 callers.allow.1: must be a phone number in quotes with its area code,"
        ' such as "0900000001"',
        "7 callers.allow.2: must be a phone number in quotes with its area code,"
        ' such as "0900000001"',
        "8 callers.attempts: unknown key here: it belongs to the top of the file",
        "10 pin.hash: is a PIN itself: put what cht-agent phone pin prints there",
        "11 menu: there is no [menu.main], where every call begins",
        '12 menu.start.say: "按一。\\n" is not allowed: 1 to 1000 characters on one line',
        '13 menu.start.keys.2: must be a target such as "menu.main", not a whole number',
        '13 menu.start.keys."#": is not a key to choose with: 0 to 9'
        " (the service keeps * and # to itself)",
        '13 menu.start.keys.1: there is no "read.temprature"; did you mean "read.temperature"?',
        '14 menu.start.speech."溫　度": is heard like "溫度"',
        '14 menu.start.speech."！": nobody can say that',
        '17 read.temperature.then: there is no "start"; did you mean "menu.start"?',
        '18 read."a b": a name has 1 to 32 characters without blanks and dots',
        '21 do.lamp.command.actuator: there is no [[actuator]] "lmap"; did you mean "lamp"?',
        '23 do.lamp2.command.sacle: unknown key; did you mean "scale"?',
        '25 do.lamp3.command.cmd: "onn" is not one of "on", "off", "toggle"; did you mean "on"?',
        '27 do.lamp4.command.digits: "lamp" takes no number, only words: give cmd instead',
        "29 do.lamp5.command: needs either cmd, a word of the actuator, or digits,"
        " for a number keyed in",
        '31 do.dim.command.cmd: "1.5" is not one of "on", "off", "toggle", or a number from 0 to 1',
        "33 memo.record: stands in [memo] itself: write [memo.NAME] above it",
        "34 memo.note.say: is missing: 1 to 1000 characters on one line",
        '35 memo.note.record: "10m" must be from 1s to 5m',
    ]


def test_a_number_that_nobody_can_enter(tmp_path: Path) -> None:
    text = MAIN.replace('read.temperature" }', 'read.temperature", 2 = "do.dim" }')
    text += "[do.dim]\ncommand = { actuator = 'dimmer', digits = 1, scale = 0.1, cmd = 'on' }\n"
    assert said_of_menus(look_at_menus(tmp_path, text))[0].startswith("7 do.dim.command: needs")
    text = text.replace("digits = 1, scale", "scale")
    assert said_of_menus(look_at_menus(tmp_path, text))[0] == (
        "7 do.dim.command.scale: is of use with digits only"
    )


def test_a_pin_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    text = MAIN + "auth = 'pin'\n"
    assert said_of_menus(look_at_menus(tmp_path, text)) == [
        "6 read.temperature.auth: unknown key here: it belongs to [menu.NAME]"
    ]
    text = MAIN.replace("[read", "auth = 'pin'\n[read")
    assert said_of_menus(look_at_menus(tmp_path, text)) == [
        "4 menu.main.auth: needs a [pin] with its hash"
    ]
    assert said_of_menus(look_at_menus(tmp_path, text + PIN)) == []


def test_yes_is_nobody_elses_key(tmp_path: Path) -> None:
    assert said_of_menus(look_at_menus(tmp_path, 'back_key = "1"\n' + MAIN)) == [
        "1 back_key: 1 is yes where the caller is asked to confirm"
    ]


def test_a_device_with_an_error_is_no_second_error_here(tmp_path: Path) -> None:
    menus = MAIN.replace('read.temperature" }', 'read.temperature", 2 = "do.on" }')
    menus += "[do.on]\ncommand = { actuator = 'lamp', cmd = 'whatever' }\n"
    devices = (
        "[[sensor]]\nid = 'temperature'\ndriver = 'dht22'\n"
        "[[actuator]]\nid = 'lamp'\ndriver = 'relay'\npin = 99\n"
        "[phone]\napi_key = 'credential:a'\nsn_key = 'credential:b'\n"
    )
    report = look_at_menus(tmp_path, menus, devices)
    assert {problem.file.name for problem in report.errors} == {"agent.toml"}


@pytest.mark.parametrize("hash", ["secret", "scrypt$14$8$1$x$y", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_hash_of_another_kind(tmp_path: Path, hash: str) -> None:
    (only,) = said_of_menus(look_at_menus(tmp_path, MAIN + f'[pin]\nhash = "{hash}"\n'))
    assert only.startswith("7 pin.hash: is ") and "hash of a PIN" in only
    assert hash not in only


def test_a_hash_that_others_can_read(tmp_path: Path) -> None:
    text = MAIN + f'[pin]\nhash = "{PinHash.of("135790", bytes(16))}"\n'
    assert said_of_menus(look_at_menus(tmp_path, text)) == []
    (tmp_path / "phone.toml").chmod(0o644)
    (warning,) = look(tmp_path, HEAD + DEVICES).warnings
    assert warning.key == "pin.hash" and "others can read it" in warning.text


@pytest.mark.parametrize(
    ("menus", "expected"),
    [
        ("[menu.main\n", "1 None: "),
        ("say = 溫度\n", "1 None: "),
        ("say ＝ 1\n", "1 None: full-width ＝"),
        ("[menu.main]\n溫度 = 1\n", "2 None: "),
        (MAIN.encode("utf-16"), "1 None: the file is UTF-16"),
        (MAIN.encode("cp950"), "2 None: the file is not UTF-8, it looks like Big5"),
    ],
)
def test_what_is_no_toml_is_one_error_with_its_line(
    tmp_path: Path, menus: str | bytes, expected: str
) -> None:
    (only,) = said_of_menus(look_at_menus(tmp_path, menus))
    assert only.startswith(expected)


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    assert said_of_menus(look_at_menus(tmp_path, b"\xef\xbb\xbf" + MAIN.encode())) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{temprature}", 'there is no [[sensor]] "temprature"; did you mean "temperature"?'),
        ("{lamp}", 'there is no [[sensor]] "lamp"'),
        ("{temperature.humidity}", '"temperature" has no quantity "humidity"; it has temperature'),
        ("{temperature:unit}", "{temperature:unit}: write {id}, {id:value}, {id:age} or {now}"),
        ("{temperature", "a brace { that stands alone: write it twice if it is meant"),
        ("{state}", 'there is no [[sensor]] "state"'),
        ("{now}，{temperature:value}。{{}}", None),
        ("溫" * 1000, None),
    ],
)
def test_what_a_text_speaks_of(tmp_path: Path, text: str, expected: str | None) -> None:
    menus = MAIN.replace("目前{temperature}，{temperature:age}測得。", text)
    found = said_of_menus(look_at_menus(tmp_path, menus))
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1 and found[0].startswith(f"5 read.temperature.say: {expected}")


def test_one_of_several_quantities_is_named(tmp_path: Path) -> None:
    devices = DEVICES.replace('quantity = "temperature"', 'quantity = ["temperature", "humidity"]')
    report = look_at_menus(tmp_path, MAIN, devices)
    assert said_of_menus(report) == [
        "[5 read.temperature.say: {temperature} says the first of its values:"
        " {temperature.temperature} or {temperature.humidity}]"
    ]
    report = look_at_menus(tmp_path, MAIN.replace("{temp", "{temperature.humidity}{temp", 1))
    assert report.config is None


@pytest.mark.req("T-05")
def test_what_is_asked_fits_one_turn_at_the_longest_readings(tmp_path: Path) -> None:
    long = "溫" * 198 + "按一。"
    menus = MAIN.replace("溫室您好。查詢溫度請按一。", long)
    assert said_of_menus(look_at_menus(tmp_path, menus)) == [
        "2 menu.main.say: is 201 characters long: 200 are the most"
    ]
    (warning,) = said_of_menus(look_at_menus(tmp_path, menus.replace("溫溫按一", "溫按一")))
    assert "is 200 characters long: nobody listens" in warning
    menus = MAIN.replace("溫室您好。", "溫" * 155 + "{temperature}。")
    (error,) = said_of_menus(look_at_menus(tmp_path, menus))
    assert error.startswith("2 menu.main.say: is 2") and "at its longest readings" in error
    # Bounds make a reading shorter, and so the text.
    bounded = DEVICES.replace("every", "valid = [0, 9]\ndecimals = 0\nevery", 1)
    assert look_at_menus(tmp_path, menus, bounded).config is not None


def test_what_is_said_of_an_action_fits_the_question(tmp_path: Path) -> None:
    menus = MAIN.replace('read.temperature" }', 'read.temperature", 2 = "do.on" }')
    menus += "[do.on]\ncommand = { actuator = 'lamp', cmd = 'on' }\n"
    said = said_of_menus(look_at_menus(tmp_path, menus + f"say = '{'燈' * 161}'\n"))
    assert "8 do.on.say: is 161 characters long: 160 are the most" in said
    good = look_at_menus(tmp_path, menus + "say = '燈{number}'\ndone = '{state}{number}'\n")
    assert good.config is not None


VALUES = st.sampled_from(
    ['"end"', '"menu.main"', "1", "[]", "{}", "true", '"10s"', "{ 1 = 'end' }", "[[1]]", "1.5",
     "{ actuator = 'lamp', cmd = 'on' }", "{ actuator = 'dimmer', digits = 9 }"]
)  # fmt: skip
KEYS = ["say", "keys", "then", "speech", "command", "record", "auth", "hash", "allow", "attempts"]
HEADERS = ["[menu]", "[menu.main]", "[read.a]", "[do.b]", "[memo.c]", "[pin]", "[callers]", "[x]"]


@given(
    st.lists(
        st.tuples(st.sampled_from(HEADERS), st.dictionaries(st.sampled_from(KEYS), VALUES)),
        unique_by=lambda part: part[0],
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_well_formed_nonsense_makes_it_crash(
    tmp_path: Path, parts: list[tuple[str, dict[str, str]]]
) -> None:
    lines = [
        line
        for header, entries in parts
        for line in (header, *(f"{key} = {value}" for key, value in entries.items()))
    ]
    report = look_at_menus(tmp_path, "\n".join(lines))
    assert (report.config is None) == bool(report.errors)
