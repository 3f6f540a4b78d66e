"""The registry: what an operator's call tells a device that waits under its serial (P-16…P-19).

Documented: the two messages, and that the caller chooses the kind of key. Publicly known: the
call's fields. The twin's own choice: ``digest`` is any string that is not empty; a device key with
``Reconfigure`` is that of ``deviceId`` if the call names one, else of the only device that carries
the serial in its name or attributes; only a project key may call. Nothing is kept for a device
that is not subscribed, unless messages are retained by setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twin.messages import Message
from twin.platform import topics
from twin.platform.devices import Device, Directory
from twin.platform.keys import Access
from twin.platform.model import Refused
from twin.platform.notices import notice
from twin.platform.payloads import is_text


def registry_message(
    access: Access, name: str, body: Any, directory: Directory,
    device_key: Callable[[str], str], *, retain: bool,
) -> Message:
    """The message a call sends to the device ``name`` (product code and serial, P-28). Raises
    Refused."""
    if access.device_id is not None:
        raise Refused(403, "the registry needs a project key")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise Refused(400, "product code and serial are 1 to 64 letters, digits, . _ or -")
    if not isinstance(body, dict):
        raise Refused(400, "the body is not an object")
    if not is_text(body.get("digest")) or not body["digest"]:
        raise Refused(400, "digest is missing")
    if body.get("authority") not in (None, "device", "project"):
        raise Refused(400, "authority is neither device nor project")
    if body.get("op") == "SetDeviceId":
        return _send(_set_device_id(access, body, directory, device_key), name, retain)
    if body.get("op") == "Reconfigure":
        return _send(_reconfigure(access, name, body, directory, device_key), name, retain)
    raise Refused(400, "op is neither SetDeviceId nor Reconfigure")


def _set_device_id(
    access: Access, body: dict[str, Any], directory: Directory, device_key: Callable[[str], str],
) -> dict[str, str]:
    """P-17."""
    if not is_text(body.get("deviceId")):
        raise Refused(400, "deviceId is missing")
    device = directory.opened(access, body["deviceId"])
    key = device_key(device.id) if body.get("authority") == "device" else access.project_key
    return {"op": "SetDeviceId", "ck": key, "deviceId": device.id}


def _reconfigure(
    access: Access, name: str, body: dict[str, Any], directory: Directory,
    device_key: Callable[[str], str],
) -> dict[str, str]:
    """P-18: no device id."""
    key = access.project_key
    if body.get("authority") == "device":
        key = device_key(_meant(access, name, body, directory).id)
    return {"op": "Reconfigure", "ck": key}


def _meant(access: Access, name: str, body: dict[str, Any], directory: Directory) -> Device:
    if is_text(body.get("deviceId")):
        return directory.opened(access, body["deviceId"])
    carriers = [device for device in directory.open_to(access) if device.carries(name)]
    if len(carriers) != 1:
        raise Refused(400, "a device key needs a device: name it by deviceId")
    return carriers[0]


def _send(content: dict[str, str], name: str, retain: bool) -> Message:
    return notice(topics.registry(name), content, retain=retain)
