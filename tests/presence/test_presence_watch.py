"""What the platform says of us: kept for the status, and logged when it is news."""

from __future__ import annotations

import logging

import pytest

from agent.clock import SystemClock
from agent.inbox import PlatformInbox
from agent.presence.watch import Seen, Watch
from agent.protocol.liveness import ActiveNotice, HeartbeatNotice


def levels(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(r.levelname, r.getMessage()) for r in caplog.records
            if r.name == "cht_agent.presence"]


@pytest.mark.req("P-14", "P-23")
@pytest.mark.parametrize(
    ("kind", "level"),
    [("Live", "INFO"), ("ReLive", "INFO"), ("LastInfo", "INFO"), ("Lost", "WARNING"),
     ("lost", "WARNING"), ("SomethingNew", "INFO")],
)
def test_heartbeat_notices(kind: str, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watch = Watch()
    assert watch.heartbeat is None
    watch.heartbeat_notice(HeartbeatNotice(
        kind, "60000", "192.0.2.1", "2026-05-01T03:59:00.000Z", "2026-05-01T04:00:00.000Z", "7432"))
    assert watch.heartbeat == Seen(kind, "2026-05-01T04:00:00.000Z")
    ((found, text),) = levels(caplog)
    assert found == level
    assert f"heartbeat {kind} (last beat 2026-05-01T03:59:00.000Z)" in text


@pytest.mark.req("P-15", "P-24")
@pytest.mark.parametrize(
    ("status", "level"),
    [("start", "INFO"), ("online", "INFO"), ("abnormal", "WARNING"), ("offline", "WARNING"),
     ("stop", "INFO")],
)
def test_activity_notices(status: str, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watch = Watch()
    record = 3 if status == "abnormal" else None
    watch.active_notice(ActiveNotice("7432", status, "2026-05-01T04:00:00.000Z", None, record))
    assert watch.active == Seen(status, "2026-05-01T04:00:00.000Z")
    ((found, text),) = levels(caplog)
    assert found == level
    assert f"device {status}" in text
    assert ("3 samples in the period" in text) == (status == "abnormal")


@pytest.mark.req("P-14", "P-15")
def test_the_same_word_again_is_kept_but_not_told_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watch = Watch()
    for n in range(5):
        watch.heartbeat_notice(HeartbeatNotice("LastInfo", time=f"h{n}"))
        watch.active_notice(ActiveNotice("7432", "abnormal", f"a{n}", record=n))
    assert watch.heartbeat == Seen("LastInfo", "h4")
    assert watch.active == Seen("abnormal", "a4")
    assert len(levels(caplog)) == 2
    watch.heartbeat_notice(HeartbeatNotice("Lost", time="h5"))
    watch.heartbeat_notice(HeartbeatNotice("ReLive", time="h6"))
    watch.heartbeat_notice(HeartbeatNotice("Lost", time="h7"))
    assert len(levels(caplog)) == 5


@pytest.mark.req("P-13", "P-14")
def test_the_echo_of_our_own_beat_is_no_notice(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watch = Watch()
    inbox = PlatformInbox(SystemClock("always"), lambda _: None, watch, lambda _: None)
    inbox.device = "7432"
    inbox.receive("/v1/device/7432/heartbeat", b'{"pulse":"60000"}', False)
    assert watch.heartbeat is None
    assert caplog.text == ""
    inbox.receive("/v1/device/7432/heartbeat", b'{"pulse":"60000","type":"ReLive"}', False)
    assert watch.heartbeat == Seen("ReLive", None)
