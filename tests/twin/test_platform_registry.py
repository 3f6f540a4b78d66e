"""The twin's registry: an operator calls, a waiting device is told who it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.platform_rig import DEV, DEVICE, NOW, PROJECT, platform, told, topics
from twin.platform import Refused

SET = {"op": "SetDeviceId", "digest": "d", "deviceId": DEV}
RECONFIGURE = {"op": "Reconfigure", "digest": "d"}


@pytest.mark.req("P-16", "P-17", "P-19", "P-28")
@pytest.mark.parametrize(("authority", "key"), [
    ({}, PROJECT), ({"authority": "device"}, DEVICE)])
def test_set_device_id_gives_the_id_and_the_kind_of_key_asked_for(
    authority: dict[str, str], key: str
) -> None:
    dues = platform().registry(PROJECT, "pi" + "00001", {**SET, **authority}, NOW)
    assert topics(dues) == ["/v1/registry/pi00001"]
    assert told(dues) == [{"op": "SetDeviceId", "ck": key, "deviceId": DEV}]
    assert dues[0].at == NOW


@pytest.mark.req("P-18", "P-19")
def test_reconfigure_gives_the_project_key_and_no_id() -> None:
    dues = platform().registry(PROJECT, "pi00001", RECONFIGURE, NOW)
    assert told(dues) == [{"op": "Reconfigure", "ck": PROJECT}]


@pytest.mark.req("P-18", "P-19")
def test_reconfigure_with_a_device_key_needs_to_know_the_device() -> None:
    twin, body = platform(), {**RECONFIGURE, "authority": "device"}
    with pytest.raises(Refused, match="name it by deviceId") as refused:
        twin.registry(PROJECT, "pi00001", body, NOW)
    assert refused.value.status == 400
    expected = [{"op": "Reconfigure", "ck": DEVICE}]
    assert told(twin.registry(PROJECT, "pi00001", {**body, "deviceId": DEV}, NOW)) == expected
    twin.update_device(PROJECT, DEV, {"attributes": [{"key": "serial", "value": "pi00001"}]})
    assert told(twin.registry(PROJECT, "pi00001", body, NOW)) == expected
    twin.create_device(PROJECT, {"name": "pi00001"}, NOW)
    with pytest.raises(Refused, match="name it by deviceId"):
        twin.registry(PROJECT, "pi00001", body, NOW)


@pytest.mark.req("P-19")
def test_a_message_is_kept_for_a_device_only_when_that_is_set() -> None:
    for retain in (False, True):
        twin = platform(registry_retain=retain)
        [due] = twin.registry(PROJECT, "pi00001", RECONFIGURE, NOW)
        assert due.message.retain is retain


@pytest.mark.req("P-17", "P-18")
@pytest.mark.parametrize(("key", "name", "body", "status"), [
    ("PKunknown", "pi00001", SET, 403),
    (DEVICE, "pi00001", SET, 403),
    (PROJECT, "pi/1", SET, 400),
    (PROJECT, "#", SET, 400),
    (PROJECT, "", SET, 400),
    (PROJECT, "pi00001", None, 400),
    (PROJECT, "pi00001", [], 400),
    (PROJECT, "pi00001", {}, 400),
    (PROJECT, "pi00001", {"op": "SetDeviceId", "deviceId": DEV}, 400),
    (PROJECT, "pi00001", {**SET, "digest": ""}, 400),
    (PROJECT, "pi00001", {**SET, "op": "Explode"}, 400),
    (PROJECT, "pi00001", {**SET, "deviceId": 7432}, 400),
    (PROJECT, "pi00001", {**SET, "deviceId": "1"}, 404),
    (PROJECT, "pi00001", {**SET, "authority": "root"}, 400),
    (PROJECT, "pi00001", {**SET, "authority": []}, 400),
])
def test_a_wrong_call_is_refused(key: str, name: str, body: Any, status: int) -> None:
    with pytest.raises(Refused) as refused:
        platform().registry(key, name, body, NOW)
    assert refused.value.status == status


def test_a_device_of_another_project_cannot_be_given_away() -> None:
    twin = platform()
    other = twin.add_project("other").key
    with pytest.raises(Refused) as refused:
        twin.registry(other, "pi00001", SET, NOW)
    assert refused.value.status == 404
