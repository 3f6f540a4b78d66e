"""Elements are surgery on bytes: exact, and nothing is lost or reordered."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocol import control
from agent.protocol.control import Ack
from agent.protocol.limits import MAX_PAYLOAD
from agent.protocol.sensing import Rawdata, decode_rawdata, element, join, split, timed

TIME = "2019-07-10T02:55:12.512Z"

# Chinese, astral and escaped characters, and texts that look like our own keys.
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.text(st.sampled_from('溫濕度𠮷"\\\x01,:time'), max_size=400),
    st.sampled_from(["time", '"time":', ',"time":"x"', '\\"time":', "}", "]"]),
)
ids = texts.filter(lambda text: 0 < len(text) <= 200 and not set(text) & set("/+#\x00"))
times = st.one_of(st.none(), st.just(TIME), texts.filter(bool))
degrees = st.floats(-90, 90)
readings = st.builds(
    Rawdata,
    id=ids,
    value=st.lists(texts, min_size=1, max_size=3).map(tuple),
    time=times,
    lat=st.none() | degrees,
    lon=st.none() | degrees,
)


@pytest.mark.req("P-06")
@given(st.lists(readings, max_size=5))
def test_readings_survive_the_way_out_and_back(batch: list[Rawdata]) -> None:
    assert decode_rawdata(join([element(reading) for reading in batch])) == tuple(batch)


@pytest.mark.req("P-06")
@given(readings)
def test_an_element_is_what_the_json_module_reads(reading: Rawdata) -> None:
    fields = json.loads(element(reading))
    assert fields.pop("id") == reading.id
    assert tuple(fields.pop("value")) == reading.value
    optional = {"time": reading.time, "lat": reading.lat, "lon": reading.lon}
    assert fields == {name: value for name, value in optional.items() if value is not None}


@pytest.mark.req("P-06")
@given(readings, texts.filter(bool))
def test_a_time_is_put_in_exactly_where_none_is(reading: Rawdata, time: str) -> None:
    fields = json.loads(timed(element(reading), time))
    expected = json.loads(element(reading))
    expected.setdefault("time", time)
    assert fields == expected


@pytest.mark.req("P-11")
@given(ids, texts.filter(bool), times, st.none() | st.booleans())
def test_acks_survive_and_take_a_time(
    sensor: str, word: str, time: str | None, save: bool | None
) -> None:
    ack = Ack(sensor, word, time, save=save)
    assert control.decode_acks(control.encode_acks([ack])) == (ack,)
    (late,) = control.decode_acks(join([timed(control.element(ack), TIME)]))
    assert late == Ack(sensor, word, time or TIME, save=save)


@pytest.mark.req("P-06")
def test_a_time_put_in_late_gives_the_same_bytes_as_an_early_one() -> None:
    assert timed(element(Rawdata("a", ("1",), lat=24.1)), TIME) == element(
        Rawdata("a", ("1",), TIME, lat=24.1)
    )


def test_text_goes_out_as_utf8_without_blanks() -> None:
    assert (
        element(Rawdata("溫度", ("25.3", "60"))) == '{"id":"溫度","value":["25.3","60"]}'.encode()
    )


@pytest.mark.req("P-04")
@given(st.lists(readings.map(element), max_size=60))
def test_splitting_keeps_order_loses_nothing_and_fills_each_message(elements: list[bytes]) -> None:
    batches = list(split(iter(elements)))
    rest = list(elements)
    for payload, count in batches:
        assert 0 < len(payload) <= MAX_PAYLOAD
        assert json.loads(payload) == [json.loads(item) for item in rest[:count]]
        assert payload == join(rest[:count])
        # Greedy: the next one did not fit any more.
        if count < len(rest):
            assert len(join(rest[: count + 1])) > MAX_PAYLOAD
        del rest[:count]
    assert not rest


@pytest.mark.req("P-04")
def test_a_message_is_filled_to_the_last_byte() -> None:
    exact = [b"x" * 9] * 10  # 2 brackets, 90 bytes, 9 commas
    assert [count for _, count in split(exact, limit=101)] == [10]
    assert [count for _, count in split(exact, limit=100)] == [9, 1]


@pytest.mark.req("P-04")
def test_splitting_waits_for_no_more_than_it_needs() -> None:
    drawn: list[int] = []

    def source() -> object:
        for number in range(1000):
            drawn.append(number)
            yield b"x" * 98

    payload, count = next(split(source(), limit=1000))  # type: ignore[arg-type]
    assert (len(payload), count, len(drawn)) == (991, 10, 11)


@pytest.mark.req("P-04")
def test_an_element_too_large_alone_is_refused_after_all_before_it() -> None:
    batches = split([b"1", b"2", b"x" * 99, b"3"], limit=100)
    assert next(batches) == (b"[1,2]", 2)
    with pytest.raises(ValueError, match="99 bytes"):
        next(batches)
    assert list(split([b"x" * 98], limit=100)) == [(b"[" + b"x" * 98 + b"]", 1)]
