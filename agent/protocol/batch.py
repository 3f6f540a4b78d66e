"""Elements and arrays: what rawdata, command and ack messages are made of (P-04, P-06, P-10, P-11).

An element is one reading, command or ack as compact JSON in UTF-8. It is encoded once; putting its
time in later, joining and splitting work on the bytes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from agent.protocol.limits import MAX_PAYLOAD

_dumps = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode

BRACKETS = len(b"[]")
TIME_ROOM = len(b',"time":"2019-07-10T02:55:12.512Z"')

# A character takes six bytes at most (an escaped control character); keys, signs and the position
# take less than the rest. Shorter messages are not measured, for that would encode them twice.
_SURELY_SHORT = 700


def encode(fields: Mapping[str, object]) -> bytes:
    """One compact JSON object; fields that are None are left out."""
    return _dumps({name: value for name, value in fields.items() if value is not None}).encode()


def require_fit(characters: int, element: Callable[[], bytes], *, timed: bool) -> None:
    """Raises ValueError when the element cannot be sent even alone (P-04).

    ``characters`` is the length of all its texts. One without a time must leave room for it.
    """
    if characters <= _SURELY_SHORT:
        return
    size = len(element()) + BRACKETS + (0 if timed else TIME_ROOM)
    if size > MAX_PAYLOAD:
        raise ValueError(f"{size} bytes: the platform drops messages over {MAX_PAYLOAD}; send less")


def timed(element: bytes, time: str) -> bytes:
    """``element`` with ``time`` as its time; unchanged when it has one already.

    ``element`` is one that this package encoded.
    """
    # Exact without parsing: inside a JSON string a quote is escaped, so that these bytes can only
    # be the end of a key, and none of our other keys ends so.
    if b'"time":' in element:
        return element
    return b'%b,"time":%b}' % (element[:-1], _dumps(time).encode())


def join(elements: Sequence[bytes]) -> bytes:
    """The JSON array of ``elements``, ready to be published."""
    return b"[%b]" % b",".join(elements)


def split(elements: Iterable[bytes], limit: int = MAX_PAYLOAD) -> Iterator[tuple[bytes, int]]:
    """Arrays of at most ``limit`` bytes, in order, each as full as it can be, with how many
    elements it holds.

    Raises ValueError at an element that is too large even alone; all before it have been yielded.
    """
    batch: list[bytes] = []
    size = 1  # the opening bracket; each element brings itself and a comma or the closing bracket
    for element in elements:
        cost = len(element) + 1
        if batch and size + cost > limit:
            yield join(batch), len(batch)
            batch, size = [], 1
        if size + cost > limit:
            raise ValueError(f"an element of {len(element)} bytes does not fit {limit} bytes")
        batch.append(element)
        size += cost
    if batch:
        yield join(batch), len(batch)
