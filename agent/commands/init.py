"""``cht-agent init``: a small configuration that passes ``check``, from flags or a few answers."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from agent.commands import starter
from agent.commands.starter import Answers
from agent.config.load import inspect
from agent.config.model import PlatformConfig
from agent.config.reader import convert
from agent.config.schema import BACKENDS, SECTIONS, Key
from agent.config.secrets import CREDSTORE, parse_ref
from agent.errors import ConfigError, StorageError

Ask = Callable[[str, bool], str]
"""Puts a question, returns the answer; True: it is a secret. Raises EOFError."""

_KEY_HELP = "credential:NAME, env:NAME, file:PATH, or the key itself"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Each flag answers one question; ``--yes`` asks none."""
    parser.add_argument("--backend", metavar="NAME", help=" or ".join(BACKENDS))
    parser.add_argument("--device-id", metavar="ID", help="the device's id on the platform")
    parser.add_argument(
        "--key", help=f"{_KEY_HELP} (which other users can then see in the process list)"
    )
    parser.add_argument("--product-code", metavar="CODE", help="wait for the registry instead")
    parser.add_argument("--host", help=f"the broker (default: {PlatformConfig.host})")
    parser.add_argument("--no-tls", action="store_true", help="no encryption: for a broker at home")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="where to write (default: --config)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")
    parser.add_argument("--yes", action="store_true", help="ask nothing, take the defaults")


def run(args: argparse.Namespace) -> int:
    """Write the file and say what comes next; 0. Raises ConfigError when answers are missing or
    wrong or the file exists, StorageError when it cannot be written."""
    path: Path = args.output or args.config
    if path.exists() and not args.force:
        raise ConfigError(f"{path} exists: --force overwrites it, --output names another file")
    try:
        answers = gather(args, None if args.yes else ask_here)
    except EOFError as exc:
        raise ConfigError("no answer: answer the questions, or give the flags (--help)") from exc
    _write(path, answers)
    print(f"wrote {path}")
    _say_what_is_next(path, answers)
    return 0


def ask_here(question: str, secret: bool) -> str:
    """Ask in the terminal; without one read lines from the standard input, questions on stderr."""
    if secret and sys.stdin.isatty():
        return getpass.getpass(question)
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise EOFError
    return line.strip()


def gather(args: argparse.Namespace, ask: Ask | None) -> Answers:
    """The flags, and answers to what they leave open; ``ask`` None: defaults, or ConfigError."""
    if args.device_id is not None and args.product_code is not None:
        raise ConfigError("--device-id and --product-code exclude each other: the device has its"
                          " id, or waits for one")  # fmt: skip
    backends = ", ".join(f"{name} ({what})" for name, what in BACKENDS.items())
    backend = _answer(args.backend, ask, "hardware", "backend", f"Hardware: {backends}")
    host = _answer(args.host, ask, "platform", "host", "Broker", PlatformConfig.host)
    device_id, key, product_code = args.device_id, args.key, args.product_code
    if device_id is None and product_code is None and ask is not None:
        question = "Device id (empty: wait for the registry)"
        device_id = _answer(None, ask, "platform", "device_id", question, "") or None
    if device_id is not None or key is not None:
        device_id = _answer(device_id, None, "platform", "device_id", "--device-id")
        key = _answer(key, ask, "platform", "key", f"Key ({_KEY_HELP})")
    else:
        default = None if ask is None else "pi"
        product_code = _answer(
            product_code, ask, "registry", "product_code", "Product code", default
        )
    devices = starter.ask_devices(ask) if ask is not None else ()
    return Answers(backend, host, not args.no_tls, device_id, key, product_code, devices)


def _answer(
    given: str | None,
    ask: Ask | None,
    section: str,
    name: str,
    question: str,
    default: str | None = None,
) -> str:
    """The flag's text, or an answer that its key allows, asked for until it does."""
    key = next(key for key in SECTIONS[section].keys if key.name == name)
    if given is None and ask is None:
        if default is None:
            raise ConfigError(f"--{name.replace('_', '-')} is missing: {key.allowed or question}")
        return default
    if given is None and ask is not None:
        return starter.ask_text(ask, key, question, default)
    return _checked(key, given or "")


def _checked(key: Key, given: str) -> str:
    try:
        convert(key, given, Path())
    except ConfigError as exc:
        raise ConfigError(f"--{key.name.replace('_', '-')}: {exc}") from exc
    return given


def _write(path: Path, answers: Answers) -> None:
    """Write beside, check, then rename: what is there under ``path`` passed ``check``."""
    literal = answers.key is not None and parse_ref(answers.key).source == "literal"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if literal else 0o644)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(starter.compose(answers))
        report = inspect(draft)
        if report.config is None:
            errors = "; ".join(f"{error.key}: {error.text}" for error in report.errors)
            raise ConfigError(f"these answers make no good configuration: {errors}")
        os.replace(draft, path)
    except OSError as exc:
        raise StorageError(f"{path} cannot be written ({exc.strerror}): make its folder, run it"
                           " with sudo, or name another file with --output") from exc  # fmt: skip
    finally:
        draft.unlink(missing_ok=True)


def _say_what_is_next(path: Path, answers: Answers) -> None:
    if answers.key is not None:
        ref = parse_ref(answers.key)
        if ref.source == "credential":
            print(f"next: write the key into {CREDSTORE / ref.where} (mode 0600)")
        if ref.source == "literal":
            print("it holds the key, so only you can read it: the agent must run as you")
    print(f"next: cht-agent run --config {path}")
