"""Whatever bytes arrive on whatever topic, the twin's platform stands."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.twin.platform_rig import DEV, NOW, PROJECT, after, platform, send
from twin.messages import Message
from twin.platform import Platform, Refused

KINDS = ["rawdata", "command", "ack", "heartbeat", "active", "sensor/a/rawdata",
         "sensor/a/command", "sensor/a/ack", "sensor/a/csv"]
TOPICS = st.one_of(
    st.sampled_from([f"/v1/device/{DEV}/{kind}" for kind in KINDS]),
    st.sampled_from(["/v1/registry/pi00001", "/v1/lwt/pi00001", "/v1/device/1/rawdata"]),
    st.text(max_size=50),
    st.builds("/v1/device/{}/{}".format, st.text(max_size=10), st.text(max_size=10)),
)
NOISE = st.binary(max_size=6000).filter(lambda payload: payload[:1] not in (b"[", b"{"))

WORDS = st.one_of(st.text(max_size=5), st.sampled_from(
    ["id", "a", "value", "time", "save", "cmd", "ack", "pulse", "type", "lat", "lon", "1000",
     "2016-03-30T08:28:47Z", "\ud800"]))
SCALARS = st.one_of(WORDS, st.none(), st.booleans(), st.integers(), st.floats())
JSON = st.recursive(SCALARS, lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=5)), max_leaves=12)


def used() -> Platform:
    """A platform in the middle of its life."""
    twin = platform("a", replay_on_subscribe=True, last_info=True)
    send(twin, "rawdata", [{"id": "a", "value": ["1"]}])
    send(twin, "command", [{"id": "a", "cmd": "on"}])
    send(twin, "ack", [{"id": "a", "ack": "on"}])
    send(twin, "heartbeat", {"pulse": "60000"})
    twin.start_active(DEV, NOW)
    return twin


def state(twin: Platform) -> list[Any]:
    return [twin.keys(), twin.devices(PROJECT), twin.sensors(PROJECT, DEV), twin.values(DEV),
            twin.history(DEV, "a"), twin.commands(DEV, "a"), twin.acks(DEV, "a"),
            twin.next_tick(NOW), twin.subscribed("#", NOW)]


@given(st.lists(st.tuples(TOPICS, NOISE), min_size=1, max_size=5))
@example([(f"/v1/device/{DEV}/rawdata", b"\xef\xbb\xbf[]")])
@example([(f"/v1/device/{DEV}/rawdata", b"9" * 4999)])
@example([(f"/v1/device/{DEV}/heartbeat", b" " + b"[" * 100_000)])
def test_noise_never_raises_and_changes_nothing_but_notes(
    noise: list[tuple[str, bytes]]
) -> None:
    twin = used()
    before = state(twin)
    for topic, payload in noise:
        assert twin.receive(Message(topic, payload), after(1)) == []
    assert state(twin) == before


@given(TOPICS, JSON)
def test_json_of_any_shape_never_raises_and_leads_to_sound_notices(
    topic: str, content: Any
) -> None:
    twin = used()
    for shape in (content, [content], {"pulse": content}, [{"id": "a", "value": content}],
                  [{"id": "a", "cmd": content, "ack": content}]):
        for due in twin.receive(Message(topic, json.dumps(shape).encode()), after(1)):
            due.message.payload.decode("utf-8")
            if not due.message.topic.endswith("/csv"):
                assert json.loads(due.message.payload)["deviceId"] == DEV
    twin.tick(after(10**9))
    json.dumps(twin.rawdata(PROJECT, DEV, "a", start="2000-01-01"), allow_nan=False)


@given(JSON)
def test_a_body_of_any_shape_is_taken_or_refused(body: Any) -> None:
    twin = used()
    calls = (lambda: twin.create_device(PROJECT, body, NOW),
             lambda: twin.update_device(PROJECT, DEV, body),
             lambda: twin.create_sensor(PROJECT, DEV, body),
             lambda: twin.update_sensor(PROJECT, DEV, "a", body),
             lambda: twin.post_rawdata(PROJECT, DEV, body, NOW),
             lambda: twin.post_heartbeat(PROJECT, DEV, body, NOW),
             lambda: twin.post_command(PROJECT, DEV, body, NOW),
             lambda: twin.registry(PROJECT, "pi00001", body, NOW))
    for call in calls:
        try:
            call()
        except Refused as refused:
            assert 400 <= refused.status < 500
    shown = json.dumps([twin.devices(PROJECT), twin.sensors(PROJECT, DEV)], allow_nan=False,
                       ensure_ascii=False)
    shown.encode("utf-8")
