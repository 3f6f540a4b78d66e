"""Making sure that a file is our Debian package, with nothing but the standard library."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

from agent.errors import ConfigError

_MAGIC = b"!<arch>\n"
_HEADER = 60
_MAX_BYTES = 50_000_000


def read(path: Path) -> bytes:
    """The package's bytes. Raises ConfigError when it is no package of cht-agent."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise ConfigError(f"the package {path} cannot be read: {exc.strerror}") from exc
    if len(content) > _MAX_BYTES:
        raise ConfigError(f"{path} is larger than {_MAX_BYTES // 1_000_000} MB: not our package")
    name = _name(path, content)
    if name != "cht-agent":
        raise ConfigError(f"{path} is the package {name}, not cht-agent")
    return content


def _name(path: Path, content: bytes) -> str:
    """The ``Package`` field of the control file (deb(5))."""
    broken = ConfigError(f"{path} is no Debian package, or a damaged one: build it with make deb")
    member = _member(content, "control.tar")
    if member is None or _member(content, "data.tar") is None:
        raise broken
    try:
        with tarfile.open(fileobj=io.BytesIO(member), mode="r:*") as tar:
            control = tar.extractfile("./control")
            text = control.read(100_000).decode() if control else ""
    except (tarfile.TarError, lzma.LZMAError, OSError, EOFError, KeyError, ValueError) as exc:
        raise broken from exc
    fields = dict(line.split(":", 1) for line in text.splitlines() if line[:1].isalpha())
    return fields.get("Package", "").strip()


def _member(content: bytes, prefix: str) -> bytes | None:
    """A member of an ar archive, by how its name begins (ar(5))."""
    if not content.startswith(_MAGIC):
        return None
    at = len(_MAGIC)
    while at + _HEADER <= len(content):
        header = content[at : at + _HEADER]
        name, digits = header[:16].decode("latin-1").strip(), header[48:58].strip()
        if header[58:] != b"`\n" or not digits.isdigit():
            return None
        size = int(digits)
        body = content[at + _HEADER : at + _HEADER + size]
        if len(body) < size:
            return None  # cut short
        if name.startswith(prefix):
            return body
        at += _HEADER + size + size % 2
    return None
