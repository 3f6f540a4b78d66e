from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.model import SecretRef
from agent.config.secrets import parse_ref, resolve
from agent.errors import ConfigError


def test_references_name_their_source(tmp_path: Path) -> None:
    assert parse_ref("credential:device-key") == SecretRef("credential", "device-key")
    assert parse_ref("env:DEVICE_KEY") == SecretRef("env", "DEVICE_KEY")
    assert parse_ref("file:device.key", tmp_path) == SecretRef("file", f"{tmp_path}/device.key")
    assert parse_ref("file:/etc/key", tmp_path) == SecretRef("file", "/etc/key")
    assert parse_ref("PKABC:123") == SecretRef("literal", "PKABC:123")


@pytest.mark.parametrize(
    "text",
    ["", "credential:", "credential:../x", "credential:..", "credential:a/b", "env:", "env:A-B",
     "file:", " key", "key\n", "k\x00y"],
)  # fmt: skip
def test_broken_references(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_ref(text)


def test_a_secret_never_shows_itself() -> None:
    ref = parse_ref("s3cr3tkey")
    secret = resolve(ref, {})
    assert secret.reveal() == "s3cr3tkey"
    for shown in (repr(ref), str(ref), repr(secret), str(secret), f"{secret}"):
        assert "s3cr3t" not in shown


def test_a_credential_of_the_service_comes_before_the_credstore(tmp_path: Path) -> None:
    store, given_by_systemd = tmp_path / "credstore", tmp_path / "service"
    store.mkdir()
    given_by_systemd.mkdir()
    (store / "device-key").write_text("from the store\n")
    environ = {"CREDENTIALS_DIRECTORY": str(given_by_systemd)}
    ref = parse_ref("credential:device-key")

    assert resolve(ref, environ, store).reveal() == "from the store"
    (given_by_systemd / "device-key").write_text("from systemd\r\n")
    assert resolve(ref, environ, store).reveal() == "from systemd"
    assert resolve(ref, {}, store).reveal() == "from the store"


def test_a_missing_credential_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"write the key into {tmp_path}/device-key"):
        resolve(parse_ref("credential:device-key"), {}, tmp_path)


def test_environment_variables() -> None:
    assert resolve(parse_ref("env:KEY"), {"KEY": "abc"}).reveal() == "abc"
    with pytest.raises(ConfigError, match="KEY is not set"):
        resolve(parse_ref("env:KEY"), {})
    with pytest.raises(ConfigError, match="is empty"):
        resolve(parse_ref("env:KEY"), {"KEY": ""})


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    ref = parse_ref("file:device.key", tmp_path)
    with pytest.raises(ConfigError, match=r"device\.key cannot be read"):
        resolve(ref, {})
    path.write_bytes(b"\xef\xbb\xbfabc\n")
    assert resolve(ref, {}).reveal() == "abc"
    for content, complaint in (
        (b"\n", "is empty"),
        (b"top secret\nsecond line\n", "control characters"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 5000, "too long"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=complaint) as caught:
            resolve(ref, {})
        assert "secret" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_a_config_error_without_it(text: str) -> None:
    try:
        parse_ref(text)
    except ConfigError as exc:
        assert "\n" not in str(exc)
