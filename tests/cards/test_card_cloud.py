"""cloud-init's files: what Imager wrote stays, ours is added, nothing breaks out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cards import cloud, first_boot, seed
from agent.cards.model import FOLDER, Before, Card, Wifi
from agent.config.model import Secret
from tests.cards.rig import IMAGER


def card(**changes: object) -> Card:
    return Card("00001", "[hardware]\nbackend = \"pi\"\n", **changes)  # type: ignore[arg-type]


def parts(text: str) -> list[str]:
    head, _, body = text.partition("\n")
    assert head == "#cloud-config-archive"
    return [entry["content"] for entry in json.loads(body)]


def test_what_imager_wrote_is_kept_word_for_word() -> None:
    assert parts(cloud.user_data(card(), IMAGER))[0] == IMAGER


def test_a_second_run_takes_the_place_of_the_first() -> None:
    once = cloud.user_data(card(hostname="a"), IMAGER)
    assert cloud.user_data(card(hostname="b"), once) == cloud.user_data(card(hostname="b"), IMAGER)


@pytest.mark.parametrize("strange", [
    "#!/bin/sh\nreboot\n", "Content-Type: multipart/mixed\n", "#cloud-config-archive\n- type: x\n",
])
def test_what_cannot_be_kept_is_refused(strange: str) -> None:
    with pytest.raises(ValueError, match="user-data"):
        cloud.user_data(card(), strange)


def test_every_new_content_is_a_new_instance_and_the_same_is_the_same() -> None:
    def instance(of: Card) -> str:
        files = seed.files(of, "a.deb", b"deb", Before())
        assert files[-1].path == "meta-data"
        return str(json.loads(files[-1].content)["instance-id"])

    assert instance(card()) == instance(card())
    assert instance(card()) != instance(card(keys={"device-key": Secret("k")}))


def test_the_vector_of_the_standard() -> None:
    assert cloud.psk("IEEE", "password") == (
        "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    )
    assert cloud.psk("x", "F" * 64) == "f" * 64


@pytest.mark.parametrize("password", ["short", "x" * 64, "密碼密碼密碼密碼", "tab\tinside"])
def test_a_password_that_wpa_does_not_take(password: str) -> None:
    with pytest.raises(ValueError, match="8 to 63"):
        cloud.psk("x", password)


@given(st.text(min_size=1, max_size=32))
def test_no_network_name_breaks_out(ssid: str) -> None:
    wifi = Wifi(ssid, "TW", Secret("f" * 64))
    points = json.loads(cloud.network_config(wifi))["network"]["wifis"]["wlan0"]["access-points"]
    assert points == {ssid: {"password": "f" * 64}}


def test_no_secret_is_shown_and_keys_are_in_files_of_their_own() -> None:
    secret, psk = "canary-key-of-the-device", "c0ffee" * 10 + "0000"
    made = card(keys={"device-key": Secret(secret)}, wifi=Wifi("home", "TW", Secret(psk)))
    files = seed.files(made, "a.deb", b"deb", Before(user_data=IMAGER))
    holders = [file.path for file in files if secret.encode() in file.content]
    assert holders == [f"{FOLDER}/keys/device-key"]
    shown = "".join(
        repr(file) + (file.content.decode() if file.shown is None else file.shown)
        for file in files
    )
    assert secret not in shown and psk not in shown and "$5$made$up" not in shown


def test_keys_leave_before_anything_that_can_fail() -> None:
    script = first_boot.script(card(), "cht-agent_1_all.deb", cloud.FIRST_BOOT)
    assert script.index("wipe \"$key\"") < script.index("apt install")
    assert script.index("rm -rf \"$from\"\n") > script.index("systemctl restart")
