from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocol import topics
from agent.protocol.errors import Malformed
from agent.protocol.topics import Topic

TABLE = [
    ("P-06", topics.rawdata("7432"), "/v1/device/7432/rawdata", Topic("rawdata", "7432")),
    ("P-11", topics.ack("7432"), "/v1/device/7432/ack", Topic("ack", "7432")),
    ("P-10", topics.command("7432"), "/v1/device/7432/command", Topic("command", "7432")),
    ("P-13", topics.heartbeat("7432"), "/v1/device/7432/heartbeat", Topic("heartbeat", "7432")),
    ("P-15", topics.active("7432"), "/v1/device/7432/active", Topic("active", "7432")),
    (
        "P-07",
        topics.sensor_rawdata("7432", "light0001"),
        "/v1/device/7432/sensor/light0001/rawdata",
        Topic("sensor_rawdata", "7432", "light0001"),
    ),
    (
        "P-08",
        topics.sensor_csv("7432", "light0001"),
        "/v1/device/7432/sensor/light0001/csv",
        Topic("sensor_csv", "7432", "light0001"),
    ),
    (
        "P-09",
        topics.sensor_command("266148835", "cin"),
        "/v1/device/266148835/sensor/cin/command",
        Topic("sensor_command", "266148835", "cin"),
    ),
    (
        "P-12",
        topics.sensor_ack("266148835", "cin"),
        "/v1/device/266148835/sensor/cin/ack",
        Topic("sensor_ack", "266148835", "cin"),
    ),
    (
        "P-16",
        topics.registry("pi", "00001"),
        "/v1/registry/pi00001",
        Topic("registry", name="pi00001"),
    ),
    ("P-20", topics.lwt("pi00001"), "/v1/lwt/pi00001", Topic("lwt", name="pi00001")),
]


@pytest.mark.parametrize(
    ("built", "text", "parts"),
    [pytest.param(*row[1:], id=row[2], marks=pytest.mark.req(row[0])) for row in TABLE],
)
def test_topics_in_both_directions(built: str, text: str, parts: Topic) -> None:
    assert built == text
    assert topics.parse(text) == parts


ids = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/+#\x00"), min_size=1, max_size=100
)


@given(ids, ids)
def test_every_legal_id_comes_back(device: str, sensor: str) -> None:
    for build in (
        topics.rawdata,
        topics.ack,
        topics.command,
        topics.heartbeat,
        topics.active,
    ):
        assert topics.parse(build(device)) == Topic(build.__name__, device)  # type: ignore[arg-type]
    for of_sensor in (
        topics.sensor_rawdata,
        topics.sensor_csv,
        topics.sensor_command,
        topics.sensor_ack,
    ):
        found = topics.parse(of_sensor(device, sensor))
        assert found == Topic(of_sensor.__name__, device, sensor)  # type: ignore[arg-type]
    assert topics.parse(topics.registry(device, sensor)).name == device + sensor


@pytest.mark.parametrize("bad", ["", "a/b", "+", "a+", "#", "a\x00b", "\ud800", "x" * 257, 7432])
def test_an_id_that_would_change_the_topic_is_refused(bad: str) -> None:
    builders: tuple[Callable[[], str], ...] = (
        lambda: topics.rawdata(bad),
        lambda: topics.ack(bad),
        lambda: topics.command(bad),
        lambda: topics.heartbeat(bad),
        lambda: topics.active(bad),
        lambda: topics.sensor_command(bad, "cin"),
        lambda: topics.sensor_command("7432", bad),
        lambda: topics.sensor_rawdata("7432", bad),
        lambda: topics.sensor_csv("7432", bad),
        lambda: topics.sensor_ack("7432", bad),
        lambda: topics.registry(bad, "00001"),
        lambda: topics.registry("pi", bad),
    )
    for build in builders:
        with pytest.raises(ValueError) as caught:
            build()
        assert not isinstance(caught.value, Malformed)


@pytest.mark.req("P-20")
@pytest.mark.parametrize("bad", ["", "abc", "pi_00001", "溫室一號", "pi00001\n", "１２３４"])
def test_a_wills_name_is_four_or_more_letters_and_digits(bad: str) -> None:
    with pytest.raises(ValueError, match="at least 4"):
        topics.lwt(bad)
    with pytest.raises(Malformed):
        topics.parse(f"/v1/lwt/{bad}")


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "/",
        "v1/device/7432/rawdata",
        "/v2/device/7432/rawdata",
        "/v1/device//rawdata",
        "/v1/device/+/rawdata",
        "/v1/device/7432/csv",
        "/v1/device/7432/rawdata/",
        "/v1/device/7432/sensor/cin",
        "/v1/device/7432/sensor/cin/heartbeat",
        "/v1/device/7432/sensor/#",
        "/v1/device/7432/sensor//command",
        "/v1/registry/",
        "/v1/registry/pi/00001",
        "phone-conn/callEvent/abc",
    ],
)
def test_other_topics_are_malformed(foreign: str) -> None:
    with pytest.raises(Malformed):
        topics.parse(foreign)
