"""What can be said of lines without any: where they are looked for, and what is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import HardwareError
from agent.hardware.gpiochip import chip_number
from agent.hardware.gpioheader import chip_label, header_chip


@pytest.mark.parametrize("name", ["gpiochip0", "/dev/gpiochip4", "gpiochip11"])
def test_a_chip_is_known_by_its_number(name: str) -> None:
    assert chip_number(name) == int(name.rpartition("chip")[2])


@pytest.mark.parametrize("name", ["", "gpiochip", "/dev/gpiochip", "/tmp/gpiochip0", "gpiochip-1"])
def test_anything_else_is_no_chip(name: str) -> None:
    with pytest.raises(HardwareError, match="is not a GPIO chip"):
        chip_number(name)


def test_a_machine_without_chips_is_pointed_to_the_simulation(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r'no /dev/gpiochip here.*backend = "simulated"'):
        header_chip(tmp_path)


def test_a_file_that_is_no_chip_is_told(tmp_path: Path) -> None:
    (tmp_path / "gpiochip0").touch()
    with pytest.raises(HardwareError, match=r"gpiochip0 is not a usable GPIO chip: "):
        header_chip(tmp_path)
    with pytest.raises(HardwareError, match=r"gpiochip1 does not exist"):
        chip_label(1, tmp_path)


def test_lgpio_leaves_no_file_and_no_changed_folder_behind(tmp_path: Path) -> None:
    pytest.importorskip("lgpio", reason="lgpio comes with the extra pi")
    work, runtime = tmp_path / "work", tmp_path / "runtime"
    work.mkdir()
    runtime.mkdir()
    subprocess.run(
        [
            *(sys.executable, "-c"),
            "import os; from agent.hardware.pulses import library; library(); library()\n"
            f"assert os.getcwd() == {str(work)!r} and 'LG_WD' not in os.environ",
        ],
        cwd=work,
        env=os.environ
        | {"RUNTIME_DIRECTORY": str(runtime), "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert list(work.iterdir()) == list(runtime.iterdir()) == []
