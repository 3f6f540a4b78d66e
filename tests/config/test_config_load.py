"""The file as a whole: text, sections, and what must fit together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.config.load import inspect, load
from agent.config.model import Config, RegistryConfig, SecretRef
from agent.errors import ConfigError
from tests.config.catalog import ACTUATORS, HEAD, SENSORS, look, said

HEAD_LINES = HEAD.count("\n")


def good(folder: Path, text: str) -> Config:
    report = look(folder, text)
    assert said(report) == []
    assert report.config is not None
    return report.config


def test_the_least_that_passes_has_the_models_defaults(tmp_path: Path) -> None:
    config = good(tmp_path, HEAD)
    assert config.platform.host == "iot.cht.com.tw"
    assert (config.platform.port, config.platform.tls) == (8883, True)
    assert config.platform.key == SecretRef("credential", "device-key")
    assert config.hardware.backend == "simulated"
    assert config.registry is None
    assert (config.sensors, config.actuators) == ((), ())


def test_each_kind_of_value_arrives_in_the_models_unit(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    config = good(
        tmp_path,
        HEAD.replace("[hardware]", 'ca_file = "ca.pem"\nkeepalive = "1m30s"\n[hardware]')
        + '[delivery]\nhold = "500ms"\ndisk_limit = "2MiB"\nbackfill_rate = 5\n'
        '[last_will]\nname = "pi00001"\nclear = false\n'
        '[service]\nstate_dir = "state"\nsocket = "/run/x.sock"\n',
    )
    assert config.platform.ca_file == tmp_path / "ca.pem"
    assert config.platform.keepalive == 90.0
    assert (config.delivery.hold, config.delivery.disk_limit) == (0.5, 2 << 20)
    assert config.delivery.backfill_rate == 5.0
    assert config.last_will.clear is False
    assert config.service.state_dir == tmp_path / "state"
    assert config.service.socket == Path("/run/x.sock")


def test_every_error_is_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    report = look(
        tmp_path,
        """\
[platform]
hots = "x"
port = "8883"
tls = 1
keepalive = "1s"
mqtt_version = "3.1.0"
[registry]
product_code = "p-i"
serial = "00 01"
[heartbeat]
pulse = 60
[platfrom]
[delivery]
disk_limit = "64"
backfill_rate = nan
host = "x"
""",
    )
    assert report.config is None
    lines = said(report)
    expected = [
        r'2 platform.hots: unknown key; did you mean "host"\?',
        "3 platform.port: must be a whole number from 1 to 65535, not a text",
        "4 platform.tls: must be true or false, not a whole number",
        r'5 platform.keepalive: "1s" must be from 5s to .*',
        r'6 platform.mqtt_version: "3.1.0" is not one of "3.1.1", "3.1"; did you mean .*',
        r'8 registry.product_code: "p-i" is not allowed: letters and digits.*',
        r'9 registry.serial: "00 01" is not allowed: "auto" .*',
        "11 heartbeat.pulse: must be a duration in quotes.*, not a whole number",
        r'12 platfrom: unknown section; did you mean "platform"\?',
        r'14 delivery.disk_limit: "64" is not a size.*',
        "15 delivery.backfill_rate: must be a number from 0.1 to 1000",
        r"16 delivery.host: unknown key here: it belongs to \[platform\]",
    ]
    missing = "None hardware.backend: is missing: .*pi.* drives .* and .*simulated.* replaces .*"
    assert re.fullmatch(missing, lines[0])
    assert len(lines) == len(expected) + 1
    for line, pattern in zip(lines[1:], expected, strict=True):
        assert re.fullmatch(pattern, line), line
    assert str(report.problems[1]).startswith(f"{tmp_path}/agent.toml:2: platform.hots: unknown")


def test_load_raises_all_errors_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(HEAD + "[clock]\ntrust = 1\nuntimed = 2\n")
    with pytest.raises(ConfigError) as caught:
        load(path, sensors=SENSORS, actuators=ACTUATORS)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "clock.trust",
        "clock.untimed",
    ]
    path.write_text(HEAD)
    assert load(path, sensors=SENSORS, actuators=ACTUATORS).platform.device_id == "7432"


# --- the text itself


def test_a_syntax_error_comes_alone(tmp_path: Path) -> None:
    (problem,) = look(tmp_path, "[platform]\nnonsense = 1\nhost = \n[x").problems
    assert (problem.severity, problem.line, problem.key) == ("error", 3, None)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("every = 30s", 'a value with a unit stands in quotes, such as "30s"'),
        ("disk_limit = 64MB  # much", "a value with a unit stands in quotes"),
        ("溫度 = 1", "keys and texts that are not plain ASCII stand in quotes"),
    ],
)
def test_common_slips_get_a_hint(tmp_path: Path, line: str, hint: str) -> None:
    (problem,) = look(tmp_path, f"[x]\n{line}\n").problems
    assert problem.line == 2
    assert hint in problem.text


def test_a_byte_order_mark_is_stripped(tmp_path: Path) -> None:
    assert look(tmp_path, b"\xef\xbb\xbf" + HEAD.encode()).config is not None


@pytest.mark.parametrize(
    ("raw", "line", "text"),
    [
        (
            "[platform]\nhost = '溫室'".encode("cp950"),
            2,
            "looks like Big5 (cp950): save it as UTF-8",
        ),
        ("[platform]\nhost = '溫室'".encode("utf-16"), 1, "is UTF-16: save it as UTF-8"),
        ("[platform]\nhost = 'x'".encode("utf-16-be"), 1, "is UTF-16: save it as UTF-8"),
        (b"[platform]\n\nhost = '\xff'", 3, "is not UTF-8: save it as UTF-8"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, raw: bytes, line: int, text: str) -> None:
    (problem,) = look(tmp_path, raw).problems
    assert problem.line == line
    assert text in problem.text


def test_full_width_signs_are_named_where_toml_wants_ascii(tmp_path: Path) -> None:
    report = look(
        tmp_path, '# ＝ in a comment\nhost ＝ "溫室，您好"\nkey = “x”\nsay = """\n「＝，」"""\n'
    )
    assert said(report) == [
        "2 None: full-width ＝ where TOML wants =: type it with the input method switched off",
        '3 None: full-width “ where TOML wants ": type it with the input method switched off',
        '3 None: full-width ” where TOML wants ": type it with the input method switched off',
    ]


def test_full_width_signs_inside_texts_are_nobodys_business(tmp_path: Path) -> None:
    assert good(tmp_path, HEAD + '[last_will]\nmessage = "離線＝，“”"\n')


def test_a_file_that_is_not_there_or_not_readable(tmp_path: Path) -> None:
    for path, text in ((tmp_path / "none.toml", "no such file"), (tmp_path, "cannot be read")):
        (problem,) = inspect(path, sensors=SENSORS, actuators=ACTUATORS).problems
        assert (problem.line, problem.key) == (None, None)
        assert text in problem.text


# --- sections


def test_a_key_outside_its_section_is_sent_home(tmp_path: Path) -> None:
    report = look(tmp_path, 'device_id = "1"\n' + HEAD)
    assert said(report) == [
        "1 device_id: unknown key outside the sections: it belongs to [platform]"
    ]


def test_sections_of_the_wrong_shape(tmp_path: Path) -> None:
    report = look(
        tmp_path, 'clock = 3\nsensor = 1\nactuator = [1]\n[[delivery]]\nhold = "1s"' + HEAD
    )
    assert said(report) == [
        "1 clock: is a whole number; it must be a table of keys",
        "2 sensor: is a list: write [[sensor]] with double brackets",
        "3 actuator.1: must be a table: write [[actuator]] for each",
        "4 delivery: is a list; it must be a table of keys",
    ]


def test_a_renamed_key_works_with_a_warning(tmp_path: Path) -> None:
    renamed = {("heartbeat", "interval"): "pulse"}
    report = look(tmp_path, HEAD + '[heartbeat]\ninterval = "30s"\n', renamed=renamed)
    assert report.config is not None
    assert report.config.heartbeat.pulse == 30.0
    assert said(report, head=HEAD_LINES) == ["2 heartbeat.interval: is now called pulse: rename it"]

    bad = look(tmp_path, HEAD + '[heartbeat]\n\ninterval = "1s"\n', renamed=renamed)
    assert said(bad, head=HEAD_LINES)[1:] == ['3 heartbeat.interval: "1s" must be from 3s to 1d']
    both = look(tmp_path, HEAD + '[heartbeat]\ninterval = "9s"\npulse = "9s"\n', renamed=renamed)
    assert [problem.severity for problem in both.problems] == ["error"]
    # and without the table it is as unknown as any other
    assert look(tmp_path, HEAD + '[heartbeat]\ninterval = "30s"\n').config is None


# --- what must fit together


@pytest.mark.req("P-03", "P-16")
def test_an_identity_comes_from_the_configuration_or_the_registry(tmp_path: Path) -> None:
    hardware = '[hardware]\nbackend = "pi"\n'
    config = good(tmp_path, f'{hardware}[registry]\nproduct_code = "pi"\n')
    assert config.registry == RegistryConfig("pi")

    neither = look(tmp_path, hardware)
    assert "nobody says who this device is" in said(neither)[0]
    for key, other in (("device_id", "key"), ("key", "device_id")):
        one = look(tmp_path, f'[platform]\n{key} = "7432"\n{hardware}[registry]\nproduct_code="pi"')
        assert f"2 platform.{key}: stands without {other}" in said(one)[0]
        assert one.config is None
    both = look(tmp_path, HEAD + '[registry]\nproduct_code = "pi"\n')
    assert both.config is not None
    assert said(both, head=HEAD_LINES) == [
        "1 registry: is not used: device_id and key are given in [platform]"
    ]


@pytest.mark.req("P-01")
@pytest.mark.parametrize(
    ("keys", "port", "warnings"),
    [
        ("tls = true", 8883, 0),
        ("tls = false", 1883, 0),
        ("tls = false\nport = 1883", 1883, 0),
        ("tls = false\nport = 8883", 8883, 1),
        ("port = 1883", 1883, 1),
        ("tls = false\nca_file = 'agent.toml'", 1883, 1),
        ("ca_file = 'missing.pem'", 8883, 1),
    ],
)
def test_port_and_tls_go_together(tmp_path: Path, keys: str, port: int, warnings: int) -> None:
    report = look(tmp_path, HEAD.replace("[hardware]", f"{keys}\n[hardware]"))
    assert report.config is not None
    assert report.config.platform.port == port
    assert len(report.warnings) == warnings


@pytest.mark.parametrize(
    ("url", "warnings"),
    [
        ("https://iot.cht.com.tw/iot/v1", []),
        ("https://[::1]:8443/", []),
        ("https://x:65535/", []),
        ("http://127.0.0.1:8080/iot/v1", []),
        ("http://localhost/iot", []),
        ("http://localhost.example/iot", ["sends the key unencrypted (http)"]),
        ("http://twin:50000", ["sends the key unencrypted (http)"]),
    ],
)
def test_the_address_of_the_rest(tmp_path: Path, url: str, warnings: list[str]) -> None:
    report = look(tmp_path, HEAD.replace("[hardware]", f'rest_url = "{url}"\n[hardware]'))
    assert report.config is not None and report.config.platform.rest_url == url
    assert [problem.text for problem in report.warnings] == warnings


@pytest.mark.parametrize(
    "url",
    ["", "iot.cht.com.tw", "ftp://x", "https://", "https://a b", "https://u:p@x/", "https://x?y",
     "https://x/#y", "https://x:65536", "https://x:99999", "HTTPS://x", "https://x:"],
)  # fmt: skip
def test_what_is_no_address_of_a_rest(tmp_path: Path, url: str) -> None:
    report = look(tmp_path, HEAD.replace("[hardware]", f'rest_url = "{url}"\n[hardware]'))
    (error,) = report.errors
    assert error.key == "platform.rest_url" and "http:// or https://" in error.text


def test_the_ca_file_serves_the_rest_too(tmp_path: Path) -> None:
    keys = "tls = false\nca_file = 'agent.toml'\nrest_url = 'https://x'"
    report = look(tmp_path, HEAD.replace("[hardware]", f"{keys}\n[hardware]"))
    assert report.warnings == ()


@pytest.mark.req("P-20")
@pytest.mark.parametrize("name", ["abc", "pi-0001", "溫室溫室", ""])
def test_a_will_name_is_four_letters_and_digits_or_more(tmp_path: Path, name: str) -> None:
    (line,) = said(look(tmp_path, HEAD + f'[last_will]\nname = "{name}"\n'), head=HEAD_LINES)
    assert line.startswith("2 last_will.name: ")
    assert "4 to 64 letters and digits" in line


@pytest.mark.req("P-20", "P-28")
def test_product_code_and_serial_make_a_will_name_long_enough(tmp_path: Path) -> None:
    registry = '[hardware]\nbackend = "pi"\n[registry]\nproduct_code = "p"\nserial = "01"\n'
    (line,) = said(look(tmp_path, registry))
    assert line.startswith('5 registry.serial: with product_code it makes "p01", too short')
    assert good(tmp_path, registry + '[last_will]\nname = "pi00001"\n')


@pytest.mark.parametrize("host", ["mqtt://x", "iot.cht.com.tw:8883", "a b", "10.0.0.1:1883", ""])
def test_a_host_is_a_name_alone(tmp_path: Path, host: str) -> None:
    report = look(tmp_path, HEAD.replace("device_id", f'host = "{host}"\ndevice_id'))
    assert "the port is a key of its own" in said(report)[0]


@pytest.mark.parametrize(
    "host", ["iot.cht.com.tw", "127.0.0.1", "::1", "fe80::1%eth0", "pi-4.local"]
)
def test_hosts_and_addresses(tmp_path: Path, host: str) -> None:
    config = good(tmp_path, HEAD.replace("device_id", f'host = "{host}"\ndevice_id'))
    assert config.platform.host == host


def test_a_scenario_is_a_name_or_a_file_beside_the_configuration(tmp_path: Path) -> None:
    assert good(tmp_path, HEAD + 'scenario = "greenhouse"').hardware.scenario == "greenhouse"
    (tmp_path / "mine.toml").touch()
    assert good(tmp_path, HEAD + 'scenario = "mine.toml"').hardware.scenario == str(
        tmp_path / "mine.toml"
    )
    missing = look(tmp_path, HEAD + 'scenario = "./other"')
    assert said(missing, head=HEAD_LINES) == [
        f"1 hardware.scenario: there is no file {tmp_path / 'other'}"
    ]
    on_a_pi = look(tmp_path, HEAD.replace("simulated", "pi") + 'scenario = "greenhouse"')
    assert said(on_a_pi, head=HEAD_LINES) == [
        '1 hardware.scenario: is not used with backend = "pi"'
    ]


def test_a_socket_path_must_fit_the_kernel(tmp_path: Path) -> None:
    long = "/" + "x" * 107
    (line,) = said(look(tmp_path, HEAD + f'[service]\nsocket = "{long}"\n'), head=HEAD_LINES)
    assert line.startswith("2 service.socket: is longer than 107 bytes")
    assert good(tmp_path, HEAD + f'[service]\nsocket = "{long[:-1]}"\n')


def test_a_key_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    text = HEAD.replace("credential:device-key", "s3cr3tk3y")
    report = look(tmp_path, text)
    assert (report.config is not None, said(report)) == (True, [])
    path.chmod(0o644)
    report = inspect(path, sensors=SENSORS, actuators=ACTUATORS)
    assert report.config is not None
    assert said(report)[0].startswith("4 platform.key: others can read it here: chmod o-r")
    path.write_text(text.replace("device_id", 'host = "127.0.0.1"\ndevice_id'))
    assert not inspect(path, sensors=SENSORS, actuators=ACTUATORS).problems

    key_file = tmp_path / "device.key"
    key_file.write_text("s3cr3tk3y")
    key_file.chmod(0o644)
    text = HEAD.replace("credential:device-key", "file:device.key")
    assert "others can read" in said(look(tmp_path, text))[0]
    key_file.chmod(0o640)
    assert good(tmp_path, text).platform.key == SecretRef("file", str(key_file))


def test_a_mistyped_source_of_a_key_is_suspected_and_not_shown(tmp_path: Path) -> None:
    report = look(tmp_path, HEAD.replace("credential:device-key", "credentials:s3cr3t"))
    assert said(report) == [
        "4 platform.key: is taken for the key itself; did you mean credential:…?"
    ]


@pytest.mark.parametrize(
    "value", ['" s3cr3t"', '"s3cr3t\\n"', '["s3cr3t"]', '{ s3cr3t = "s3cr3t" }']
)
def test_no_problem_shows_a_secret(tmp_path: Path, value: str) -> None:
    report = look(tmp_path, HEAD.replace('"credential:device-key"', value))
    assert report.config is None
    assert "s3cr3t" not in "".join(said(report))


# --- whatever is in the file

words = st.sampled_from(
    ["[platform]", "[[sensor]]", "[[actuator]]", "[sensor]", "[hardware]", "\n", "\n", " = ",
     ".", "id", "key", "driver", '"dht22"', '"pwm_led"', '"pi"', "pin", "quantity", "valid",
     "commands", "on_link_lost", "safe", "{", "}", "[", "]", ",", "1", "1e999", "-0.5", "nan",
     "99999999999999999", "true", '"on"', '"1s"', '"""', "'", "#", "＝", "“", "溫", "1979-05-27",
     "07:32:00", "\\", "\x00"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words | st.text(max_size=3), max_size=60).map("".join) | st.binary(max_size=200))
def test_no_text_makes_it_crash(tmp_path: Path, text: str | bytes) -> None:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    _never_crashes(tmp_path, raw)


names = st.sampled_from(
    ["platform", "hardware", "sensor", "actuator", "registry", "phone", "id", "driver", "pin",
     "key", "quantity", "unit", "valid", "deadband", "commands", "safe", "on_link_lost", "after",
     "do", "pulse", "value", "max_on", "min_on", "interlock", "rate_limit", "every", "lat",
     "device_id", "backend", "port", "serial", "product_code", "source", "no such"]
)  # fmt: skip
scalars = st.sampled_from(
    ['"dht22"', '"button"', '"relay"', '"pwm_led"', '"temperature"', '"on"', '"off"', '"safe"',
     '"1s"',
     '"2h"', '"10/1m"', '"pi"', '"x/y"', '""', '"a\\nb"', "4", "17", "-1", "0.5", "inf", "nan",
     "true", "9" * 400, "1979-05-27", "[]", "{}"]
)  # fmt: skip
toml_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(names, inner, max_size=4).map(
            lambda table: "{ " + ", ".join(f'"{k}" = {v}' for k, v in table.items()) + " }"
        )
    ),
    max_leaves=10,
)
tables = st.dictionaries(names, toml_values, max_size=8).map(
    lambda table: "".join(f'"{k}" = {v}\n' for k, v in table.items())
)
headers = st.sampled_from(["[[sensor]]", "[[actuator]]"])
devices = st.tuples(headers, tables).map("\n".join)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
@given(st.lists(devices, max_size=4).map("".join), tables)
def test_no_well_formed_nonsense_makes_it_crash(tmp_path: Path, text: str, top: str) -> None:
    _never_crashes(tmp_path, (HEAD + text).encode())
    _never_crashes(tmp_path, top.encode())


def _never_crashes(folder: Path, raw: bytes) -> None:
    report = look(folder, raw)
    assert (report.config is None) == bool(report.errors)
    for problem in report.problems:
        assert "\n" not in str(problem)
        assert problem.text
