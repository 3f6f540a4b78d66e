"""Times as the platform writes them: ISO 8601, UTC, milliseconds, ``Z``."""

import re
from datetime import UTC, datetime, timedelta, timezone

# Our own pattern, not fromisoformat's: that one also takes weeks and bare dates, and takes more
# with each Python. TAS is known to send nine digits of a second.
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])|([+-])(\d\d):?([0-5]\d)?)?",
    re.ASCII,
)


def format_time(moment: datetime) -> str:
    """``moment`` in UTC with three digits of a second, cut, not rounded; ValueError if naive."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be sent")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_time(text: str) -> datetime | None:
    """The moment, aware and in UTC; None when the text names none. Never raises.

    A time without a zone is UTC (the platform's examples have such); digits beyond the
    microsecond are dropped. The platform has been seen to send impossible times (second 118):
    then the caller keeps the text and uses the time of arrival.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, off_hour, off_minute = found.groups()
    micros = int((fraction or "")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(off_hour or 0), minutes=int(off_minute or 0))
    try:
        return datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micros,
            tzinfo=timezone(-offset if sign == "-" else offset),
        ).astimezone(UTC)  # fmt: skip
    except (ValueError, OverflowError):
        return None
