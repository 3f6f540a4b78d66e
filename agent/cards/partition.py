"""The boot partition of a freshly imaged card: finding it, making sure, writing it."""

from __future__ import annotations

import contextlib
import os
import shutil
import string
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from agent.cards.model import FOLDER, Before, CardFile
from agent.errors import ConfigError, StorageError

LABEL = "bootfs"
"""The name Raspberry Pi OS gives its boot partition."""

_SIGNS = ("config.txt", "cmdline.txt", "overlays")
_SEED = ("user-data", "meta-data")
_MARGIN = 4_000_000
_MAX_TEXT = 1_000_000


def candidates(platform: str = sys.platform) -> list[Path]:
    """Where such a partition usually appears, once a card is in the reader."""
    if platform == "win32":
        return [Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:]]
    if platform == "darwin":
        return sorted(Path("/Volumes").glob(f"{LABEL}*"))
    roots = [Path("/media"), Path("/run/media")]
    return sorted(p for root in roots for p in (*root.glob(LABEL), *root.glob(f"*/{LABEL}*")))


def find(places: Iterable[Path]) -> Path:
    """The one boot partition among ``places``. Raises ConfigError when there is none or several."""
    found = [place for place in places if not faults(place)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(
            "no card found: image one with Raspberry Pi Imager, put it in again, and if it is"
            " mounted at an unusual place name that with --boot"
        )
    named = ", ".join(map(str, found))
    raise ConfigError(f"several cards are in: name one with --boot (there are {named})")


def faults(place: Path) -> list[str]:
    """Why ``place`` is not taken for the boot partition of a fresh card; empty: it is one."""
    try:
        missing = [name for name in _SIGNS if not (place / name).exists()]
        if missing:
            return [f"{place} is no boot partition of a Raspberry Pi: it has no {missing[0]}"]
        if not any(place.glob("kernel*.img")):
            return [f"{place} is no boot partition of a Raspberry Pi: it has no kernel*.img"]
        if not all((place / name).exists() for name in _SEED) and "ds=nocloud" not in _text(
            place / "cmdline.txt"
        ):
            return [
                f"the image on {place} does not bring cloud-init (it has no {' and '.join(_SEED)}):"
                " use a current Raspberry Pi OS, written by Raspberry Pi Imager 2"
            ]
    except OSError as exc:
        return [f"{place} cannot be looked at: {exc.strerror or exc}"]
    return []


def read(place: Path) -> Before:
    """What is built upon. Raises ConfigError when ``place`` is no fresh card's boot partition."""
    wrong = faults(place)
    if wrong:
        raise ConfigError("\n".join(wrong))
    user_data = place / "user-data"
    try:
        return Before(
            _text(place / "config.txt"), _text(user_data) if user_data.exists() else ""
        )
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{place}: config.txt or user-data cannot be read: {exc}") from exc


def write(
    place: Path, files: Sequence[CardFile], progress: Callable[[str], None] = lambda _path: None
) -> None:
    """Write all files, each as a whole or not at all, and read each back.

    ``progress`` hears the path of each before it is written. A folder of ours from an earlier run
    is replaced. Raises StorageError; what has been written then is completed by another run.
    """
    try:
        needed = sum(len(file.content) for file in files) + _MARGIN
        free = shutil.disk_usage(place).free
        if needed > free:
            raise StorageError(
                f"{place} has only {free // 1_000_000} MB free and {needed // 1_000_000} MB are"
                " needed: remove what does not belong there"
            )
        shutil.rmtree(place / FOLDER, ignore_errors=True)
        for file in files:
            progress(file.path)
            _write(place / file.path, file.content)
        verify(place, files)
    except OSError as exc:
        raise StorageError(
            f"{place} cannot be written ({exc.strerror or exc}): is it mounted read-only, or the"
            " card's switch on lock?"
        ) from exc


def verify(place: Path, files: Iterable[CardFile]) -> None:
    """Read all of ``files`` back. Raises StorageError for one that is not what was written."""
    for file in files:
        if (place / file.path).read_bytes() != file.content:
            raise StorageError(
                f"{place / file.path} does not hold what was written: the card is worn out"
                " or a counterfeit, take another"
            )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    # Windows opens no folder; FAT has no journal either way, and the card is ejected afterwards.
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_TEXT).decode("utf-8-sig")
