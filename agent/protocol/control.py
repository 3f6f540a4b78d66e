"""Commands and their confirmations (P-09 to P-12)."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.protocol import _check, _json
from agent.protocol.batch import encode, join, require_fit
from agent.protocol.limits import MAX_PAYLOAD


@dataclass(frozen=True)
class CommandNotice:
    """A command arrives (P-09). ``cmd`` is a word of the user's own; ``time`` is when the platform
    received it, as written: it may be impossible."""

    id: str
    device_id: str | None
    time: str | None
    cmd: str


def decode_command(payload: bytes) -> CommandNotice:
    """A number or boolean as ``cmd`` becomes its text; ``id`` and ``cmd`` must be there.

    Raises Malformed.
    """
    with _json.reading("command"):
        message = _json.load_object(payload)
        return CommandNotice(
            id=_json.filled(message, "id"),
            device_id=_json.optional_text(message, "deviceId"),
            time=_json.optional_text(message, "time"),
            cmd=_json.text(message, "cmd"),
        )


@dataclass(frozen=True)
class CommandRequest:
    """An application sends a command to the sensor ``id`` (P-10); there is no time in it (P-26).

    ``save`` False: replaced by later data and not kept in the history (P-25); None: the
    platform's default, True.
    """

    id: str
    cmd: str
    lat: float | None = None
    lon: float | None = None
    save: bool | None = None

    def __post_init__(self) -> None:
        _check.identifier("sensor id", self.id)
        _check.text("cmd", self.cmd)
        _check.position(self.lat, self.lon)
        _check.flag("save", self.save)
        require_fit(len(self.id) + len(self.cmd), lambda: _request_element(self), timed=True)


def _request_element(request: CommandRequest) -> bytes:
    return encode(
        {
            "id": request.id,
            "lat": request.lat,
            "lon": request.lon,
            "save": request.save,
            "cmd": request.cmd,
        }
    )


def encode_requests(requests: Sequence[CommandRequest]) -> bytes:
    """The array to publish. Raises ValueError when it is too large for one message (P-04)."""
    return _bounded([_request_element(request) for request in requests])


def decode_requests(payload: bytes) -> tuple[CommandRequest, ...]:
    """The commands of a published array. Raises Malformed."""
    with _json.reading("command request"):
        return tuple(
            CommandRequest(
                id=_json.filled(message, "id"),
                cmd=_json.text(message, "cmd"),
                lat=_json.number(message, "lat"),
                lon=_json.number(message, "lon"),
                save=_json.flag(message, "save"),
            )
            for message in _json.load_objects(payload)
        )


@dataclass(frozen=True)
class Ack:
    """The device confirms a command for the sensor ``id`` (P-11); ``ack`` is a word of our own,
    not empty. The other fields as in ``Rawdata`` and ``CommandRequest``."""

    id: str
    ack: str
    time: str | None = None
    lat: float | None = None
    lon: float | None = None
    save: bool | None = None

    def __post_init__(self) -> None:
        _check.identifier("sensor id", self.id)
        _check.filled("ack", self.ack)
        characters = len(self.id) + len(self.ack)
        if self.time is not None:
            characters += len(_check.filled("time", self.time))
        _check.position(self.lat, self.lon)
        _check.flag("save", self.save)
        require_fit(characters, lambda: element(self), timed=self.time is not None)


def element(ack: Ack) -> bytes:
    """``ack`` as one element of the array; ``batch.timed``, ``join`` and ``split`` take it."""
    return encode(
        {
            "id": ack.id,
            "lat": ack.lat,
            "lon": ack.lon,
            "save": ack.save,
            "ack": ack.ack,
            "time": ack.time,
        }
    )


def encode_acks(acks: Sequence[Ack]) -> bytes:
    """The array to publish. Raises ValueError when it is too large for one message (P-04)."""
    return _bounded([element(ack) for ack in acks])


def decode_acks(payload: bytes) -> tuple[Ack, ...]:
    """The confirmations of a published array. Raises Malformed."""
    with _json.reading("ack"):
        return tuple(
            Ack(
                id=_json.filled(message, "id"),
                ack=_json.filled(message, "ack"),
                time=_json.optional_text(message, "time"),
                lat=_json.number(message, "lat"),
                lon=_json.number(message, "lon"),
                save=_json.flag(message, "save"),
            )
            for message in _json.load_objects(payload)
        )


@dataclass(frozen=True)
class AckNotice:
    """The platform tells an application of a confirmation (P-12); ``time`` is when it came."""

    id: str
    device_id: str | None
    time: str | None
    ack: str


def decode_ack_notice(payload: bytes) -> AckNotice:
    """Raises Malformed."""
    with _json.reading("ack notice"):
        message = _json.load_object(payload)
        return AckNotice(
            id=_json.filled(message, "id"),
            device_id=_json.optional_text(message, "deviceId"),
            time=_json.optional_text(message, "time"),
            ack=_json.text(message, "ack"),
        )


def _bounded(elements: Sequence[bytes]) -> bytes:
    payload = join(elements)
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"{len(payload)} bytes: the platform drops messages over {MAX_PAYLOAD}")
    return payload
