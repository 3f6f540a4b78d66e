from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocol.times import format_time, parse_time

moments = st.datetimes(
    min_value=datetime(1970, 1, 1),
    timezones=st.timezones() | st.just(UTC),
)


@pytest.mark.req("P-06")
def test_a_time_goes_out_in_utc_with_milliseconds() -> None:
    taipei = timezone(timedelta(hours=8))
    assert format_time(datetime(2016, 3, 30, 16, 28, 47, 532999, taipei)) == (
        "2016-03-30T08:28:47.532Z"
    )
    assert format_time(datetime(2016, 3, 30, tzinfo=UTC)) == "2016-03-30T00:00:00.000Z"
    with pytest.raises(ValueError, match="without a zone"):
        format_time(datetime(2016, 3, 30))


@pytest.mark.req("P-06", "P-09")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-03-30T08:28:47.532Z", datetime(2016, 3, 30, 8, 28, 47, 532000, UTC)),
        ("2014-12-11T10:43:58", datetime(2014, 12, 11, 10, 43, 58, 0, UTC)),
        ("2014-12-11T10:43", datetime(2014, 12, 11, 10, 43, 0, 0, UTC)),
        ("2014-12-11 10:43:58.5z", datetime(2014, 12, 11, 10, 43, 58, 500000, UTC)),
        ("2014-12-11T10:43:58.123456789Z", datetime(2014, 12, 11, 10, 43, 58, 123456, UTC)),
        ("2016-03-30T16:28:47.532+08:00", datetime(2016, 3, 30, 8, 28, 47, 532000, UTC)),
        ("2016-03-30T16:28:47+0800", datetime(2016, 3, 30, 8, 28, 47, 0, UTC)),
        ("2016-03-30T00:28:47-08", datetime(2016, 3, 30, 8, 28, 47, 0, UTC)),
    ],
)
def test_times_are_read_in_every_shape_seen(text: str, moment: datetime) -> None:
    found = parse_time(text)
    assert found == moment
    assert found is not None and found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1459326527",
        "2019-03-30T08:32:118.136Z",
        "2019-03-30T08:32:60Z",
        "2019-03-30T24:00:00Z",
        "2019-02-29T08:32:11Z",
        "2019-13-01T08:32:11Z",
        "2019-03-30",
        "2019-W13-6T08:32:11Z",
        "2019-03-30T08:32:11Z ",
        "2019-03-30T08:32:11+25:00",
        "2019-03-30T08:32:11+08:60",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "２０１９-03-30T08:32:11Z",
    ],
)
def test_what_names_no_moment_is_none(text: str) -> None:
    assert parse_time(text) is None


@given(moments)
def test_a_time_comes_back_to_the_millisecond(moment: datetime) -> None:
    back = parse_time(format_time(moment))
    assert back is not None
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d{2,3}(\.\d+)?(Z|[+-]\d\d:\d\d)?"))
def test_reading_a_time_never_raises(text: str) -> None:
    found = parse_time(text)
    assert found is None or found.tzinfo is UTC
