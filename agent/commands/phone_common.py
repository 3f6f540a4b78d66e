"""What the telephone's actions share: the service as configured, and asking before it acts."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from agent import reach
from agent.config.load import load
from agent.config.menus import PhoneConfig
from agent.config.model import Config
from agent.config.secrets import resolve
from agent.errors import ConfigError, LinkLost, NotSent

if TYPE_CHECKING:
    from agent.phone.service import PhoneService

T = TypeVar("T")


def configured(args: argparse.Namespace) -> tuple[Config, PhoneConfig]:
    """The configuration and its [phone]. Raises ConfigError without one."""
    config = load(args.config)
    if config.phone is None:
        raise ConfigError(
            f'{args.config} has no [phone]: add one with api_key = "credential:tas-key"'
        )
    return config, config.phone


@contextlib.contextmanager
def service(phone: PhoneConfig) -> Iterator[PhoneService]:
    """The telephone service, asked with the configured key. Raises ConfigError."""
    made = reach.telephone(phone, resolve(phone.api_key, os.environ))
    try:
        yield made
    finally:
        made.close()


def once(work: Callable[[], T], perhaps: str) -> T:
    """What is never repeated by itself. Raises LinkLost, which tells what ``perhaps`` happened."""
    try:
        return work()
    except NotSent:
        raise
    except LinkLost as exc:
        raise LinkLost(f"{exc}; {perhaps}") from exc


def number_of(args: argparse.Namespace, phone: PhoneConfig) -> str:
    """The service number meant: ``--number``, else the configured one. Raises ConfigError."""
    from agent.protocol.phone_service import service as legal

    number = args.number or phone.service_number
    if number is None:
        raise ConfigError("which number? Give --number, or service_number in [phone]")
    try:
        return legal(number)
    except ValueError as exc:
        raise ConfigError(f"--number: {exc}") from exc


def add_number(parser: argparse.ArgumentParser) -> None:
    """``--number``."""
    parser.add_argument(
        "--number", metavar="NUMBER", help="the service number (default: that of [phone])"
    )


def add_yes(parser: argparse.ArgumentParser) -> None:
    """``--yes``."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def agreed(args: argparse.Namespace, question: str) -> bool:
    """Whether to go on. Raises ConfigError where nobody can be asked."""
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} Nobody is here to answer: --yes does it")
    return answered(f"{question} [y/N] ").lower() in ("y", "yes")


def answered(question: str) -> str:
    """What is typed at the terminal; "" at its end (Ctrl-D)."""
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""
