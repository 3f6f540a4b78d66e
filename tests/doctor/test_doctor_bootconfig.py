"""``config.txt``: which overlays are loaded, and whose pins they take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.doctor.bootconfig import Overlay, overlays
from tests.doctor.rig import PI4

PI5 = "Raspberry Pi 5 Model B Rev 1.0"


def names(text: str, model: str = PI4) -> list[str]:
    return [str(overlay) for overlay in overlays(text, model)]


@pytest.mark.parametrize(("text", "loaded"), [
    ("dtoverlay=w1-gpio", ["dtoverlay=w1-gpio"]),
    ("dtoverlay=w1-gpio,gpiopin=17 # the shed", ["dtoverlay=w1-gpio,gpiopin=17"]),
    ("#dtoverlay=w1-gpio", []),
    ("dtoverlay=dht11,gpiopin=4\ndtoverlay=dht11,gpiopin=17",
     ["dtoverlay=dht11,gpiopin=4", "dtoverlay=dht11,gpiopin=17"]),
    ("dtoverlay=w1-gpio\ndtparam=gpiopin=17", ["dtoverlay=w1-gpio,gpiopin=17"]),
    ("dtoverlay=w1-gpio\ndtoverlay=\ndtparam=gpiopin=17", ["dtoverlay=w1-gpio"]),
    ("dtparam=i2c_arm=on,spi=on", ["dtparam=i2c_arm=on", "dtparam=spi=on"]),
    ("dtparam=i2c=on", ["dtparam=i2c_arm=on"]),
    ("dtparam=spi", ["dtparam=spi=on"]),
    ("dtparam=spi=on\ndtparam=spi=off", []),
    ("dtparam=audio=on", []),
    ("enable_uart=1", ["dtparam=uart0=on"]),
    ("enable_uart=0", []),
    ("dtoverlay=vc4-kms-v3d\r\ndtparam=spi=on\r\n", ["dtoverlay=vc4-kms-v3d", "dtparam=spi=on"]),
])  # fmt: skip
def test_what_is_loaded(text: str, loaded: list[str]) -> None:
    assert names(text) == loaded


@pytest.mark.parametrize(("filters", "on_pi4", "on_pi5"), [
    ("[all]", True, True),
    ("[pi4]", True, False),
    ("[pi5]", False, True),
    ("[pi5]\n[all]", True, True),
    ("[pi5]\n[pi4]", True, False),
    ("[none]", False, False),
    ("[gpio4=1]", False, False),
    ("[pi4]\n[EDID=VSC-TD2220]", False, False),
])  # fmt: skip
def test_filters(filters: str, on_pi4: bool, on_pi5: bool) -> None:
    text = f"{filters}\ndtoverlay=dht11"
    assert (bool(names(text, PI4)), bool(names(text, PI5))) == (on_pi4, on_pi5)


@pytest.mark.parametrize(("section", "model"), [
    ("pi1", "Raspberry Pi Model B Plus Rev 1.2"), ("pi2", "Raspberry Pi 2 Model B Rev 1.1"),
    ("pi3", "Raspberry Pi 3 Model B Plus Rev 1.3"), ("pi3+", "Raspberry Pi 3 Model B Plus Rev 1.3"),
    ("pi4", "Raspberry Pi 400 Rev 1.0"), ("pi4", "Raspberry Pi Compute Module 4 Rev 1.0"),
    ("cm4", "Raspberry Pi Compute Module 4 Rev 1.0"), ("pi5", "Raspberry Pi 500 Rev 1.0"),
    ("pi0", "Raspberry Pi Zero 2 W Rev 1.0"), ("pi02", "Raspberry Pi Zero 2 W Rev 1.0"),
    ("pi0w", "Raspberry Pi Zero W Rev 1.1"),
])  # fmt: skip
def test_models(section: str, model: str) -> None:
    assert names(f"[{section}]\ndtoverlay=dht11", model)


def test_included_files_are_read_where_they_stand() -> None:
    files = {"more.txt": "dtparam=spi=on\ninclude more.txt"}
    found = overlays("include more.txt\ndtoverlay=dht11", PI4, files.get)
    assert [str(one) for one in found] == ["dtparam=spi=on", "dtoverlay=dht11"]
    assert overlays("include gone.txt", PI4, files.get) == ()


@pytest.mark.parametrize(("overlay", "pins"), [
    (Overlay("w1-gpio", {}), {4}),
    (Overlay("w1-gpio", {"gpiopin": "17"}), {17}),
    (Overlay("w1-gpio", {"gpiopin": "seventeen"}), {4}),
    (Overlay("spi", {}), {7, 8, 9, 10, 11}),
    (Overlay("hifiberry-dacplus", {}), {18, 19, 20, 21}),
    (Overlay("spi1-1cs", {}), {18, 19, 20, 21}),
    (Overlay("vc4-kms-v3d", {}), set()),
])  # fmt: skip
def test_whose_pins_they_take(overlay: Overlay, pins: set[int]) -> None:
    assert overlay.pins() == pins


@given(st.text("dtoverlay=,param[]\n#pi4 includx.\r", max_size=200))
def test_no_file_is_too_odd(text: str) -> None:
    for overlay in overlays(text, PI4, lambda name: text):
        assert str(overlay) and overlay.pins() is not None
