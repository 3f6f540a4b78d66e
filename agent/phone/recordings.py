"""Voice memos as files, each readable by the agent alone. Called on one worker thread.

What came is kept as it came: ``.wav`` only if it begins like one, and an address or a path as its
text, which is never fetched.
"""

from __future__ import annotations

import os
from pathlib import Path

from agent.errors import StorageError
from agent.protocol.calls import VoiceMemo

LARGEST = 8_000_000
"""Bytes of one recording: 300 s, the longest a menu may ask for, are 4.8 MB (T-10)."""
FOLDER_LIMIT = 100_000_000
"""Bytes of all of them; the oldest go beyond that."""
_LONGEST_TEXT = 10_000


class Recordings:
    """The files in ``folder``, which is made with the first one."""

    def __init__(
        self, folder: Path, largest: int = LARGEST, folder_limit: int = FOLDER_LIMIT
    ) -> None:
        self._folder = folder
        self._largest = largest
        self._folder_limit = folder_limit

    def keep(self, memo: VoiceMemo, stamp: str) -> str:
        """The name of the file that now holds ``memo``; ``stamp`` is what it begins with.

        A transcript stands beside it as ``.txt``. Raises StorageError.
        """
        if memo.data is not None:
            data, ending = memo.data, ".wav" if memo.data.startswith(b"RIFF") else ".bin"
        else:
            data, ending = _text(memo.raw or ""), ".raw.txt"
        if len(data) > self._largest:
            raise StorageError(
                f"a recording of {len(data)} bytes was not kept: {self._largest} are the most"
            )
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            transcript = _text(memo.transcript) if memo.transcript else b""
            self._make_room(len(data) + len(transcript))
            path = self._write(stamp, ending, data)
            if transcript:
                self._write(path.name.split(".")[0], ".txt", transcript)
        except OSError as exc:
            raise StorageError(
                f"{self._folder}: a recording cannot be written ({exc.strerror})"
            ) from exc
        return path.name

    def _write(self, stem: str, ending: str, data: bytes) -> Path:
        """A new file, under the first free name. Raises OSError and leaves nothing behind."""
        number = 1
        while True:
            path = self._folder / f"{stem}{f'-{number}' if number > 1 else ''}{ending}"
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                break
            except FileExistsError:
                number += 1
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _make_room(self, size: int) -> None:
        files = [(found.stat(), found) for found in self._folder.iterdir() if found.is_file()]
        used = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda file: (file[0].st_mtime_ns, file[1].name)):
            if used + size <= self._folder_limit:
                return
            path.unlink(missing_ok=True)
            used -= stat.st_size


def _text(text: str) -> bytes:
    # A lone half of a surrogate pair is no reason to lose the rest.
    return text[:_LONGEST_TEXT].encode(errors="replace") + b"\n"
