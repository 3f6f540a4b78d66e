"""What differs between the configured sensors and the platform's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.identity.compare import compare
from agent.protocol.objects import Sensor

ids = st.text(st.characters(exclude_characters="/+#\0", codec="utf-8"), min_size=1, max_size=6)
types = st.sampled_from(["gauge", "counter", "switch", "text", "snapshot", "", "hologram"])
sensors = st.builds(Sensor, ids, types, st.sampled_from(["", "°C", "%"]))
lists = st.lists(sensors, max_size=8, unique_by=lambda sensor: sensor.id)


@given(lists, lists)
def test_an_error_for_each_one_that_is_missing_and_for_no_other(
    configured: list[Sensor], there: list[Sensor]
) -> None:
    findings = compare(configured, there)
    missing = [one for one in configured if one.id not in {other.id for other in there}]
    errors = [finding for finding in findings if finding.severity == "error"]
    assert len(errors) == len(missing)
    for finding, sensor in zip(errors, missing, strict=True):
        assert finding.text.startswith(f"sensor {sensor.id} does not exist") and finding.mend
    assert all(finding.severity in ("error", "warning") and finding.mend for finding in findings)


@given(lists)
def test_what_was_created_from_the_configuration_is_right(configured: list[Sensor]) -> None:
    plain = [sensor for sensor in configured if sensor.type != "snapshot"]
    assert compare(plain, plain) == []
    assert compare([], configured) == []


@pytest.mark.parametrize(("there", "mend"), [
    ([], "cht-agent platform create makes it"),
    ([Sensor("Temperature")], "there is Temperature: make the two ids the same"),
    ([Sensor("temprature")], "there is temprature: make the two ids the same"),
    ([Sensor("humidity")], "cht-agent platform create makes it"),
])  # fmt: skip
def test_a_missing_one_is_told_with_its_mend(there: list[Sensor], mend: str) -> None:
    (finding,) = compare([Sensor("temperature", "gauge")], there)
    assert (finding.severity, finding.mend) == ("error", mend)
    assert "vanishes" in finding.text


def test_the_name_of_another_is_not_suggested() -> None:
    (finding,) = compare([Sensor("lamp1"), Sensor("lamp2")], [Sensor("lamp1")])
    assert finding.mend == "cht-agent platform create makes it"


@pytest.mark.parametrize(("ours", "theirs", "told"), [
    (Sensor("a", "text"), Sensor("a", "gauge"), "is a gauge on the platform, but sends texts"),
    (Sensor("a", "gauge"), Sensor("a", "snapshot"), "is a snapshot on the platform"),
    (Sensor("a", "gauge", "°C"), Sensor("a", "gauge", "°F"), "is in °C, but the platform shows °F"),
    (Sensor("a", "gauge", "°C"), Sensor("a", "gauge"), None),
    (Sensor("a", "switch"), Sensor("a", "text"), None),
    (Sensor("a", "gauge"), Sensor("a", "hologram"), None),
])  # fmt: skip
def test_what_may_mislead_is_a_warning(ours: Sensor, theirs: Sensor, told: str | None) -> None:
    findings = compare([ours], [theirs])
    assert [finding.severity for finding in findings] == (["warning"] if told else [])
    assert told is None or told in findings[0].text
