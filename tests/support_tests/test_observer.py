"""The observer sees what was published, and says so when it was not."""

from __future__ import annotations

import pytest

from tests.support.observer import Observer
from twin.broker import Broker


def test_it_keeps_everything_in_order(broker: Broker, device_id: str) -> None:
    with Observer(broker.port) as observer:
        observer.publish(f"/v1/device/{device_id}/rawdata", [{"id": "溫度", "value": ["1"]}])
        for number in range(5):
            observer.publish("count", str(number))
        assert [int(m.payload) for m in observer.wait_count(5, "count")] == [0, 1, 2, 3, 4]
        first = observer.wait_for(lambda m: m.topic.endswith("/rawdata"))
        assert first.json() == [{"id": "溫度", "value": ["1"]}]
        assert not first.retain


def test_retained_messages_are_marked(broker: Broker) -> None:
    with Observer(broker.port) as early:
        early.publish("kept", "x", retain=True)
        early.wait_for(lambda m: m.topic == "kept")
        with Observer(broker.port, ["kept"]) as late:
            assert late.wait_for(lambda m: m.payload == b"x").retain


def test_what_does_not_come_is_an_error_that_shows_what_did(broker: Broker) -> None:
    with Observer(broker.port) as observer:
        observer.publish("other", "hello")
        observer.wait_count(1, "other")
        with pytest.raises(AssertionError, match="other b'hello'"):
            observer.wait_for(lambda m: m.topic == "wanted", timeout=0.05)
        with pytest.raises(AssertionError, match="1 of 2 messages on other"):
            observer.wait_count(2, "other", timeout=0.05)


def test_it_subscribes_again_after_a_restart_of_the_broker(broker: Broker) -> None:
    with Observer(broker.port) as observer:
        broker.restart()
        with Observer(broker.port, ["nothing"]) as sender:
            for number in range(400):
                sender.publish("tick", str(number))
                try:
                    observer.wait_for(lambda m: m.topic == "tick", timeout=0.05)
                    return
                except AssertionError:
                    continue
    pytest.fail("the observer did not come back")
