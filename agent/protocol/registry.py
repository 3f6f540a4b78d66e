"""What a device is told while it waits on its registry topic (P-17, P-18, P-19)."""

from dataclasses import dataclass, field

from agent.protocol import _check, _json
from agent.protocol.errors import Malformed


@dataclass(frozen=True)
class SetDeviceId:
    """Use this device id and key from now on (P-17). The key is a project or a device key."""

    key: str = field(repr=False)
    device_id: str

    def __post_init__(self) -> None:
        _check.key(self.key)
        _check.identifier("device id", self.device_id)


@dataclass(frozen=True)
class Reconfigure:
    """Create your own configuration on the platform with this key (P-18).

    No device id is documented here; one that comes along is kept.
    """

    key: str = field(repr=False)
    device_id: str | None = None

    def __post_init__(self) -> None:
        _check.key(self.key)
        if self.device_id is not None:
            _check.identifier("device id", self.device_id)


def decode_registry(payload: bytes) -> SetDeviceId | Reconfigure:
    """``op`` counts in any case of letters. Raises Malformed, without the key in its text."""
    with _json.reading("registry message"):
        message = _json.load_object(payload)
        op = _json.filled(message, "op")
        match op.lower():
            case "setdeviceid":
                return SetDeviceId(_json.filled(message, "ck"), _json.filled(message, "deviceId"))
            case "reconfigure":
                return Reconfigure(
                    _json.filled(message, "ck"), _json.optional_text(message, "deviceId")
                )
        raise Malformed(f"op {_check.shown(op)} is unknown: SetDeviceId or Reconfigure is expected")
