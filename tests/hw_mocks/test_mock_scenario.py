"""Scenarios: what is written is what happens, and what is wrong is said in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_mocks.scenario import BUILT_IN, Dht, Fault, Iio, Input, Load, Scenario, load, parse
from hw_mocks.tables import ScenarioError, duration


def test_everything_a_scenario_can_say() -> None:
    scenario = parse(
        {
            "description": "all of it",
            "world": {
                "start_hour": 6,
                "speed": 60,
                "lamp": 17,
                "fan": {"pin": 22, "active_high": False},
            },
            "dht": [
                {"model": "dht22", "pin": 4},
                {"model": "dht11", "pin": 5, "place": "outside", "humidity": 40},
            ],
            "iio": [{"name": "dht11@11", "pin": 17, "channels": {"temp": "temperature", "ph": 7}}],
            "fault": [{"device": "dht22@4", "kind": "hang", "at": "1m", "for": "500ms"}],
            "input": [{"pin": 23, "at": "2s", "level": True}, {"pin": 24, "every": "1h"}],
        }
    )
    assert scenario == Scenario(
        start_hour=6,
        speed=60,
        loads={"lamp": Load(17), "fan": Load(22, active_high=False)},
        dhts={"dht22@4": Dht(), "dht11@5": Dht("outside", humidity=40)},
        iio=(Iio("dht11@11", {"temp": "temperature", "ph": 7}, pin=17),),
        faults=(Fault("dht22@4", "hang", 60.0, 0.5),),
        inputs=(Input(23, 2.0, level=True), Input(24, 0.0, every=3600.0)),
    )


@pytest.mark.parametrize("path", sorted(BUILT_IN.glob("*.toml")), ids=lambda path: path.stem)
def test_every_built_in_scenario_loads(path: Path) -> None:
    assert load(path.stem) == load(path)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"wrold": {}}, "unknown key wrold"),
        ({"world": 3}, r"\[world\] must be a table"),
        ({"world": {"speed": "fast"}}, "speed must be a number"),
        ({"world": {"speed": -1}}, "speed must be 0 to"),
        ({"world": {"lamp": 28}}, "lamp must be a BCM pin 0 to 27"),
        ({"world": {"lamp": True}}, "lamp must be a BCM pin"),
        ({"dht": {"pin": 4}}, r"written as \[\[dht\]\]"),
        ({"dht": [{"model": "dht33", "pin": 4}]}, "one of dht11, dht22"),
        ({"dht": [{"model": "dht22"}]}, r"\[\[dht\]\] 1: pin is missing"),
        ({"fault": [{"device": "dht22@4", "kind": "chksum"}]}, "no fault 'chksum'"),
        ({"fault": [{"device": "dht22@99", "kind": "hang"}]}, "no device 'dht22@99'"),
        ({"fault": [{"device": "bme280", "kind": "slow"}]}, "cannot be slow"),
        ({"fault": [{"device": "dht22@4", "kind": "hang", "at": 3}]}, "at must be a time"),
        ({"fault": [{"device": "dht22@4", "kind": "hang", "at": "3"}]}, "is not a time"),
        ({"input": [{"pin": 1, "every": "1ms"}]}, "at least 50ms"),
        ({"iio": [{"name": "../x", "channels": {}}]}, "letters, digits"),
        ({"iio": [{"name": "x", "channels": {"a/b": 1}}]}, "letters, digits"),
        ({"iio": [{"name": "x", "channels": {"temp": "smell"}}]}, "one of temperature"),
    ],
)
def test_what_is_wrong_is_said(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        parse(document)


def test_the_example_in_the_readme_is_a_scenario() -> None:
    text = (BUILT_IN.parent / "README.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    scenario = parse(tomllib.loads(example))
    assert scenario.loads and scenario.dhts and scenario.iio and scenario.faults
    assert scenario.inputs


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match=r"'greenhose'.*faulty, greenhouse"):
        load("greenhose")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        load(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"description = \xff")
    with pytest.raises(ScenarioError, match=r"broken\.toml"):
        load(str(broken))


def test_durations() -> None:
    assert [duration(text) for text in ("500ms", "1.5s", "10m", "2 h")] == [0.5, 1.5, 600, 7200]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
tables = st.dictionaries(
    st.sampled_from(
        [
            "pin",
            "at",
            "for",
            "every",
            "model",
            "kind",
            "device",
            "name",
            "channels",
            "lamp",
            "speed",
        ]
    ),
    plain,
)


@given(
    st.dictionaries(
        st.sampled_from(["world", "dht", "iio", "fault", "input", "description"]),
        tables | st.lists(tables, max_size=2) | plain,
    )
)
def test_nothing_but_a_scenario_error_comes_of_nonsense(document: dict[str, Any]) -> None:
    try:
        parse(document)
    except ScenarioError as exc:
        assert "\n" not in str(exc)
