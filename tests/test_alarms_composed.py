"""What the agent's alarms are made of: contacts from where they are kept, and the order to call."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.alarms import rules_of
from agent.config.alarms import CallsConfig
from agent.config.model import Config, HardwareConfig, SecretRef
from agent.errors import ConfigError


def config(folder: Path, number: str, *, enabled: bool = True) -> Config:
    (folder / "ann.phone").write_text(number)
    return Config(
        folder / "agent.toml", HardwareConfig("simulated"),
        contacts={"ann": SecretRef("file", str(folder / "ann.phone"))},
        calls=CallsConfig(enabled=enabled),
    )  # fmt: skip


@pytest.mark.parametrize("written", ["0900000001\n", "0900-000-001", "+886 900 000 001"])
def test_a_number_is_brought_into_the_services_form(tmp_path: Path, written: str) -> None:
    assert rules_of(config(tmp_path, written), {}).phones == {"ann": "0900000001"}


def test_what_is_no_number_is_told_without_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the contact ann is no phone number") as told:
        rules_of(config(tmp_path, "900000001"), {})
    assert "900000001" not in str(told.value)


def test_no_number_is_needed_while_nobody_is_phoned(tmp_path: Path) -> None:
    quiet = config(tmp_path, "nonsense", enabled=False)
    rules = rules_of(quiet, {})
    assert (rules.phones, rules.contacts) == ({}, ("ann",))
