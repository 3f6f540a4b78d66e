"""How a twin is to run: the flags of ``cht-twin run`` as a value, and back."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from twin.terminal.line import default_socket
from twin.terminal.steps import duration


@dataclass(frozen=True)
class Options:
    """The defaults are those of ``cht-twin run``. A port of 0: any that is free.

    ``broker``: (host, port) of one that is already there and asks nobody for a password; the twin
    then starts none. ``folder``: where the authority and the keys are kept between runs. Keys
    that are not given are made up. ``delay``, ``char_seconds``, ``seconds`` (how long to run):
    seconds; ``loss``: the share of notices that vanish, 0–1. ``attached``: end with stdin.

    Paths are made absolute: mosquitto, and a twin that another program starts, run elsewhere.
    """

    port: int = 1883
    tls_port: int = 8883
    phone_port: int = 2883
    rest_port: int = 8080
    rest_tls_port: int = 8443
    public: bool = False
    broker: tuple[str, int] | None = None
    socket: Path | None = None
    folder: Path | None = None
    project_key: str | None = None
    api_key: str | None = None
    delay: float = 0.0
    loss: float = 0.0
    replay: bool = False
    registry_retain: bool = False
    share_first_id: bool = False
    char_seconds: float = 0.25
    seconds: float | None = None
    quiet: bool = False
    json: bool = False
    attached: bool = False

    def __post_init__(self) -> None:
        for name in ("socket", "folder"):
            if (path := getattr(self, name)) is not None:
                object.__setattr__(self, name, path.absolute())

    def socket_path(self) -> Path:
        return self.socket or default_socket(os.environ)

    def arguments(self) -> list[str]:
        """The flags that give these options again."""
        words: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            flag = f"--{_FLAGS.get(field.name, field.name).replace('_', '-')}"
            if isinstance(value, bool):
                words.append(flag)
            else:
                shown = "{}:{}".format(*value) if isinstance(value, tuple) else str(value)
                words.append(f"{flag}={shown}")
        return words


_FLAGS = {"seconds": "for"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags; their names are those of the fields."""
    ports = parser.add_argument_group("ports (0: any free one)")
    for flag, default, what in (
        ("--port", Options.port, "the platform's MQTT, plain"),
        ("--tls-port", Options.tls_port, "the platform's MQTT over TLS"),
        ("--phone-port", Options.phone_port, "the telephone service's MQTT over TLS"),
        ("--rest-port", Options.rest_port, "REST over HTTP"),
        ("--rest-tls-port", Options.rest_tls_port, "REST over HTTPS"),
    ):
        ports.add_argument(flag, type=_port, default=default, metavar="PORT",
                           help=f"{what} (default: {default})")
    places = parser.add_argument_group("places")
    places.add_argument("--public", action="store_true",
                        help="listen on every address of this machine, not on loopback alone")
    places.add_argument("--broker", type=_broker, metavar="HOST:PORT",
                        help="a broker that is already there and wants no password")
    places.add_argument("--folder", type=Path, metavar="FOLDER",
                        help="keep the certificate authority and the keys between runs")
    places.add_argument("--socket", type=Path, metavar="PATH",
                        help="the control socket (default: $XDG_RUNTIME_DIR/cht-twin.sock)")
    keys = parser.add_argument_group("keys (made up when not given)")
    keys.add_argument("--project-key", type=_key, metavar="KEY")
    keys.add_argument("--api-key", type=_key, metavar="KEY", help="of the telephone service")
    ways = parser.add_argument_group("what the documents leave open")
    ways.add_argument("--delay", type=duration, default=0.0, metavar="TIME",
                      help="of every notice of the platform, such as 3s")
    ways.add_argument("--loss", type=_share, default=0.0, metavar="SHARE",
                      help="of the platform's notices that never arrive, such as 0.1")
    ways.add_argument("--replay", action="store_true",
                      help="who subscribes gets the last value or command")
    ways.add_argument("--registry-retain", action="store_true",
                      help="registry messages wait for devices that are not there yet")
    ways.add_argument("--share-first-id", action="store_true",
                      help="the first request of a call has the id of its CallEstablished")
    ways.add_argument("--char-seconds", type=duration, default=Options.char_seconds,
                      metavar="TIME", help="how long one character takes to say (default: 250ms)")
    parser.add_argument("--for", dest="seconds", type=duration, metavar="TIME",
                        help="end after this time, such as 30s")
    parser.add_argument("--quiet", action="store_true", help="show only what went wrong")
    parser.add_argument("--json", action="store_true",
                        help="say where everything is as one line of JSON, for programs")
    parser.add_argument("--attached", action="store_true",
                        help="end when stdin does: with the program that started this one")


def options_of(args: argparse.Namespace) -> Options:
    values: Mapping[str, object] = vars(args)
    return Options(**{field.name: values[field.name]  # type: ignore[arg-type]
                      for field in fields(Options)})


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _broker(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), _port(port)


def _key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{8,64}", text):
        raise argparse.ArgumentTypeError("a key is 8 to 64 letters and digits")
    return text


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: 0 to 1")
    return share
