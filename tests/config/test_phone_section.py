"""``[phone]``: the telephone service itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config.menus import PhoneConfig
from agent.config.model import SecretRef
from tests.config.catalog import HEAD, look, said
from tests.config.menus import MAIN

HEAD_LINES = HEAD.count("\n")
NUMBER = 'api_key = "credential:tas-key"\nsn_key = "credential:tas-sn"\n'


def problems(folder: Path, section: str) -> list[str]:
    (folder / "phone.toml").write_text(MAIN.replace("temperature", "load"), encoding="utf-8")
    sensor = '[[sensor]]\nid = "load"\ndriver = "load_average"\nevery = "30s"\n'
    report = look(folder, HEAD + "[phone]\n" + section + sensor)
    return said(report, head=HEAD_LINES)


@pytest.mark.req("P-01")
def test_the_least_of_it_has_the_services_address(tmp_path: Path) -> None:
    (tmp_path / "phone.toml").write_text("[menu.main]\nsay = '按一'\nkeys = { 1 = 'end' }\n")
    config = look(tmp_path, HEAD + "[phone]\n" + NUMBER).config
    assert config is not None
    assert config.phone == PhoneConfig(
        SecretRef("credential", "tas-key"),
        host="iot.cht.com.tw",
        port=2883,
        tls=True,
        sn_key=SecretRef("credential", "tas-sn"),
        menus=tmp_path / "phone.toml",
        rest_url="https://iot.cht.com.tw/apis/CHTIoT/phone-conn/v1",
    )
    assert config.book is not None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('host = "tasapi.cht.com.tw"\n', "https://tasapi.cht.com.tw/apis/CHTIoT/phone-conn/v1"),
        ('host = "::1"\n', "https://[::1]/apis/CHTIoT/phone-conn/v1"),
        ('host = "tasapi.cht.com.tw"\nrest_url = "https://x/y"\n', "https://x/y"),
    ],
)
def test_the_rest_is_on_the_same_host(tmp_path: Path, lines: str, expected: str) -> None:
    (tmp_path / "phone.toml").write_text("[menu.main]\nsay = '按一'\nkeys = { 1 = 'end' }\n")
    config = look(tmp_path, HEAD + "[phone]\n" + NUMBER + lines).config
    assert config is not None and config.phone is not None
    assert config.phone.rest_url == expected


def test_every_error_of_the_section_at_once(tmp_path: Path) -> None:
    text = 'hots = "x"\nport = 0\nservice_number = "+886 4"\nrest_url = "ftp://x"\nmenus = 1\n'
    assert problems(tmp_path, text) == [
        '1 phone.api_key: is missing: such as "credential:tas-key"',
        "1 phone.sn_key: is missing, so no call is answered: it comes with a rented number",
        '2 phone.hots: unknown key; did you mean "host"?',
        "3 phone.port: must be from 1 to 65535",
        '4 phone.service_number: "+886 4" is not allowed:'
        ' digits with the area code, such as "034240000"',
        '5 phone.rest_url: "ftp://x" is not allowed:'
        " http:// or https://, a host, perhaps a port and a path, and nothing else",
        "6 phone.menus: must be a text in quotes, not a whole number",
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("tls = false\n", "4 phone.tls: sends the key unencrypted"),
        ('ca_file = "none.pem"\n', "4 phone.ca_file: there is no file "),
        ('rest_url = "http://iot.example/x"\n', "4 phone.rest_url: sends the key unencrypted"),
    ],
)
def test_what_weakens_it_is_a_warning(tmp_path: Path, more: str, expected: str) -> None:
    (only,) = problems(tmp_path, NUMBER + more)
    assert only.startswith(expected)


def test_a_broker_of_ones_own_may_be_plain(tmp_path: Path) -> None:
    text = NUMBER + 'host = "127.0.0.1"\nport = 12883\ntls = false\n'
    assert problems(tmp_path, text + 'rest_url = "http://127.0.0.1:8080/x"\n') == []


def test_keys_of_the_telephone_are_as_secret_as_those_of_the_platform(tmp_path: Path) -> None:
    text = 'api_key = "credentials:tas-key"\nsn_key = "credential:tas-sn"\n'
    assert problems(tmp_path, text) == [
        "2 phone.api_key: is taken for the key itself; did you mean credential:…?"
    ]
    key = tmp_path / "tas.key"
    key.write_text("a key")
    key.chmod(0o644)
    text = 'api_key = "file:tas.key"\nsn_key = "credential:tas-sn"\n'
    assert problems(tmp_path, text) == [f"2 phone.api_key: others can read {key}: chmod o-r it"]


def test_without_a_number_the_menus_need_not_be_there_yet(tmp_path: Path) -> None:
    report = look(tmp_path, HEAD + '[phone]\napi_key = "credential:tas-key"\n')
    assert report.config is not None and report.config.book is None
    report = look(tmp_path, HEAD + "[phone]\n" + NUMBER)
    assert report.config is None
    assert said(report) == [
        "None None: no such file: write the menus into it, or name another in [phone] menus"
    ]
