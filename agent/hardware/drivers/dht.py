"""``dht11`` and ``dht22``: temperature and humidity over one wire.

The sensor may be asked once in two seconds. adafruit-circuitpython-dht, asked sooner, answers its
previous values as if they were new, even after a failed try: so no try follows another within
:data:`PAUSE`, and whoever asks sooner gets the same outcome, good or bad. Two ``[[sensor]]`` on one
pin share the device and, asking together, one sample.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal
from weakref import WeakKeyDictionary

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_when_event_set,
    wait_fixed,
)

from agent.errors import HardwareError, SensorError
from agent.hardware.drivers.kernel_dht import KernelDht, find
from agent.hardware.drivers.options import PIN
from agent.hardware.ports import DhtReader, Hardware, Option, Sample, SensorSpec

Model = Literal["dht11", "dht22"]

PAUSE = 2.1
TRIES = 3
RANGES: Mapping[Model, tuple[tuple[float, float], tuple[float, float]]] = {
    "dht11": ((0.0, 50.0), (20.0, 90.0)),
    "dht22": ((-40.0, 80.0), (0.0, 100.0)),
}
"""°C and %RH the data sheets promise; anything else is a misread."""


class SharedDht:
    """One sensor on one pin, for every ``[[sensor]]`` that names it. Thread-safe."""

    def __init__(
        self,
        reader: DhtReader,
        model: Model,
        pin: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.users = 0
        self._reader = reader
        self._model = model
        self._name = f"{model.upper()} on pin {pin}"
        self._clock = clock
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._outcome: Sample | SensorError | None = None
        self._finished = 0.0
        self._retrying = Retrying(
            stop=stop_after_attempt(TRIES) | stop_when_event_set(self._closed),
            wait=wait_fixed(PAUSE),
            retry=retry_if_exception_type(SensorError),
            sleep=sleep or self._pause,
            reraise=True,
        )

    def sample(self) -> Sample:
        """Both quantities, at most :data:`PAUSE` seconds old. Raises SensorError."""
        with self._lock:
            if self._closed.is_set():
                raise SensorError(f"{self._name} is closed")
            if self._outcome is None or self._clock() - self._finished > PAUSE:
                try:
                    self._outcome = self._retrying(self._try_once)
                except SensorError as exc:
                    self._outcome = SensorError(
                        f"{self._name}: {exc} ({TRIES} tries): "
                        "check its wiring, power and pull-up resistor"
                    )
                except HardwareError as exc:  # another try would not help
                    self._outcome = SensorError(f"{self._name}: {exc}")
                self._finished = self._clock()
            if isinstance(self._outcome, SensorError):
                raise SensorError(str(self._outcome))  # an exception object belongs to one thread
            return self._outcome

    def close(self) -> None:
        """Also ends the pauses between tries; does not wait for a sensor that hangs."""
        self._closed.set()
        self._reader.close()

    def _pause(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def _try_once(self) -> Sample:
        if self._closed.is_set():
            raise SensorError("closed")
        try:
            temperature, humidity = self._reader.measure()
        except RuntimeError as exc:
            text = str(exc).removesuffix("Try again.").strip(" .")
            inside = text if text[1:2].isupper() else text[:1].lower() + text[1:]
            raise SensorError(inside) from exc
        (coldest, hottest), (driest, wettest) = RANGES[self._model]
        if temperature is None or humidity is None:
            raise SensorError("no answer yet")
        # All bits zero pass the checksum: a line held low reads as 0 °C and 0 %.
        if temperature == humidity == 0:
            raise SensorError("all zeros, the data line is held low")
        if not (coldest <= temperature <= hottest and driest <= humidity <= wettest):
            raise SensorError(f"impossible answer {temperature:g} °C, {humidity:g} %")
        return {"temperature": temperature, "humidity": humidity}


class DhtSensor:
    """One ``[[sensor]]``'s hold on the shared device; the last to let go closes it."""

    def __init__(self, shared: SharedDht, let_go: Callable[[], None]) -> None:
        self._shared = shared
        self._let_go = let_go

    def read(self) -> Sample:
        return self._shared.sample()

    def close(self) -> None:
        self._let_go()
        self._let_go = _nothing


_Key = tuple[Model, int, str]
_shared: WeakKeyDictionary[Hardware, dict[_Key, SharedDht]] = WeakKeyDictionary()
_shared_lock = threading.Lock()


def open_dht(model: Model, hardware: Hardware, options: Mapping[str, Any]) -> DhtSensor:
    """Raises HardwareError when ``source = "kernel"`` finds no kernel device on the pin."""
    key: _Key = (model, options["pin"], options["source"])
    with _shared_lock:
        devices = _shared.setdefault(hardware, {})
        if key not in devices:
            devices[key] = SharedDht(_open_reader(hardware, *key), model, key[1])
        shared = devices[key]
        shared.users += 1
    return DhtSensor(shared, partial(_let_go, hardware, key, shared))


def _let_go(hardware: Hardware, key: _Key, shared: SharedDht) -> None:
    with _shared_lock:
        shared.users -= 1
        if shared.users:
            return
        del _shared[hardware][key]
    shared.close()


def _nothing() -> None:
    """Closing twice is closing once."""


def _open_reader(hardware: Hardware, model: Model, pin: int, source: str) -> DhtReader:
    if source == "adafruit":
        return hardware.dht(model, pin)
    if find(hardware.iio_root(), pin) is not None:
        return KernelDht(hardware.iio_root, pin)
    if source == "auto":
        return hardware.dht(model, pin)
    raise HardwareError(
        f"the kernel has no DHT device on pin {pin}: add dtoverlay=dht11,gpiopin={pin} to "
        '/boot/firmware/config.txt and reboot, or use source = "auto"'
    )


def _spec(model: Model) -> SensorSpec:
    return SensorSpec(
        name=model,
        quantities={"temperature": "°C", "humidity": "%"},
        options=(
            PIN,
            Option(
                "source",
                "text",
                "kernel: dtoverlay=dht11; adafruit: user space; auto: the kernel if it has one",
                default="auto",
                choices=("auto", "kernel", "adafruit"),
            ),
        ),
        open=partial(open_dht, model),
        blocking=True,
        min_every=3.0,
        shares_pin=True,
    )


DHT11 = _spec("dht11")
DHT22 = _spec("dht22")
