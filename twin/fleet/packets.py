"""The few MQTT 3.1.1 packets a light device needs. Pure.

Not a client for anything else: QoS 0, no will, a clean session, answers told apart by their type
alone.
"""

from __future__ import annotations

CONNACK, PUBLISH, SUBACK, PINGRESP = 2, 3, 9, 13
PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


def connect(client_id: str, key: str, keepalive: int) -> bytes:
    """``key`` is user name and password at once (P-03); "" connects as nobody."""
    flags, body = 0x02, _text(client_id)
    if key:
        flags |= 0xC0
        body += _text(key) + _text(key)
    head = _text("MQTT") + bytes([4, flags]) + keepalive.to_bytes(2, "big")
    return _packet(0x10, head + body)


def subscribe(topics: tuple[str, ...]) -> bytes:
    return _packet(0x82, b"\x00\x01" + b"".join(_text(topic) + b"\x00" for topic in topics))


def publish(topic: str, payload: bytes) -> bytes:
    return _packet(0x30, _text(topic) + payload)


def length(data: bytes, at: int) -> tuple[int, int] | None:
    """The remaining length that stands at ``at``, and how many bytes it takes; None: not all of it
    is there yet. Raises ValueError when it is none."""
    value = 0
    for count in range(4):
        if at + count >= len(data):
            return None
        value |= (data[at + count] & 0x7F) << (7 * count)
        if not data[at + count] & 0x80:
            return value, count + 1
    raise ValueError("not MQTT")


def _packet(kind: int, body: bytes) -> bytes:
    size, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        size.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(size) + body


def _text(text: str) -> bytes:
    content = text.encode()
    return len(content).to_bytes(2, "big") + content
