import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.identity.naming import client_id, stand_in_serial, will_name

ROLES = ("platform", "registry", "phone")
WORDS = st.text(max_size=40)


@pytest.mark.req("P-01")
@given(serial=WORDS)
def test_client_ids_are_short_plain_and_one_for_each_role(serial):
    ids = [client_id(role, serial) for role in ROLES]
    assert all(re.fullmatch(r"[a-z0-9]{23}", name) for name in ids)
    assert len(set(ids)) == len(ROLES)


def test_a_client_id_is_the_same_for_ever():
    # A changed rule would make every device in the field look dead once (decision 2).
    assert client_id("platform", "100000001a2b3c4d") == "platformt354jryavwkf5pt"
    assert client_id("platform", "100000001a2b3c4e") != client_id("platform", "100000001a2b3c4d")


def test_a_client_id_does_not_show_the_serial():
    assert "00001" not in client_id("registry", "00001")


@pytest.mark.parametrize("role", ["", "Platform", "telephone", "a/b"])
def test_a_role_is_a_short_plain_word(role):
    with pytest.raises(ValueError, match="role"):
        client_id(role, "1")


def test_a_machine_without_a_serial_is_told_apart_by_its_installation():
    one = stand_in_serial("7432", "a" * 32)
    assert re.fullmatch(r"[a-z0-9]{16}", one)
    assert one == stand_in_serial("7432", "a" * 32)
    assert len({one, stand_in_serial("7433", "a" * 32), stand_in_serial("7432", None)}) == 3
    assert "a" * 8 not in one


@pytest.mark.req("P-20", "P-28")
@pytest.mark.parametrize(
    ("configured", "code", "serial", "expected"),
    [
        ("roof01", "pi", "00001", "roof01"),
        (None, "pi", "00001", "pi00001"),
        (None, "pi", "100000001a2b3c4d", "pi100000001a2b3c4d"),
    ],
)
def test_the_will_is_named_by_the_operator_or_by_the_device(configured, code, serial, expected):
    assert will_name(configured, code, serial) == expected


@pytest.mark.req("P-20", "P-29")
@given(code=st.none() | WORDS, serial=WORDS, device_id=st.none() | WORDS)
def test_every_device_gets_a_legal_will_name_that_is_not_its_id(code, serial, device_id):
    name = will_name(None, code, serial, device_id)
    assert re.fullmatch(r"[A-Za-z0-9]{4,}", name)
    assert name != device_id


@pytest.mark.req("P-20")
def test_what_breaks_the_rule_is_replaced_by_a_name_of_its_own():
    short, dashed, bare = (
        will_name(None, "p", "12"), will_name(None, "p-i", "00001"), will_name(None, None, "00001"),
    )  # fmt: skip
    assert len({short, dashed, bare}) == 3
    assert all(name.startswith("will") and len(name) == 20 for name in (short, dashed, bare))


@pytest.mark.parametrize("name", ["abc", "roof-1", "屋頂溫室", "abcd\n"])
def test_an_illegal_configured_name_is_an_error(name):
    with pytest.raises(ConfigError, match=r"\[last_will\] name"):
        will_name(name, "pi", "00001")
