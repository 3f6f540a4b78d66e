"""What several commands share: the common options, actions of a command, and keys by reference."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import secrets
from agent.config.model import Secret, SecretRef
from agent.errors import ConfigError

if TYPE_CHECKING:
    # The class of argparse is generic for the type checker alone.
    Actions = argparse._SubParsersAction[argparse.ArgumentParser]

DEFAULT_CONFIG = Path("/etc/cht-agent/agent.toml")
KEY_HELP = "where the key is: credential:NAME, env:NAME or file:PATH"


def add_common(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """``--config`` and ``--debug``. ``again``: for an action of a command that has them already,
    so that they may stand before its name and after it."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if again else value

    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=default(DEFAULT_CONFIG),
        help=f"the configuration (default: {DEFAULT_CONFIG})",
    )
    parser.add_argument(
        "--debug", action="store_true", default=default(False), help="log more; show tracebacks"
    )


def actions_of(parser: argparse.ArgumentParser) -> Actions:
    """For :func:`add_action`: the command does nothing without one."""
    return parser.add_subparsers(dest="action", metavar="ACTION", required=True)


def add_action(
    actions: Actions, name: str, help: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """The parser of one action; ``args.act`` is its ``run``."""
    parser = actions.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser, again=True)
    parser.set_defaults(act=run)
    return parser


def key_ref(text: str) -> SecretRef:
    """What ``--key`` names. Raises ConfigError, also for a key itself, which is not repeated."""
    ref = secrets.parse_ref(text)
    if ref.source == "literal":
        raise ConfigError(
            "--key takes no key itself, as every user of this machine could see it:"
            " put it into a file and say file:PATH, or credential:NAME, or env:NAME"
        )
    return ref


def fetch(text: str, environ: Mapping[str, str]) -> Secret:
    """The key that ``--key`` names. Raises ConfigError."""
    return secrets.resolve(key_ref(text), environ)
