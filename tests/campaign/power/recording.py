"""What a program does to the files of one folder, written down by strace as it happens."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.campaign.power.disk import Link, Make, Mark, Remove, Rename, Resize, Step, Sync, Write
from tests.support.agent import ROOT

CALLS = ("open", "openat", "creat", "close", "dup", "dup2", "dup3", "lseek",
         "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "truncate",
         "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mmap",
         # These would change a file too, and nothing here knows how: seen, they are an error.
         "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "fallocate",
         "sync_file_range", "symlink", "symlinkat", "io_uring_setup",
         "clone", "clone3", "fork", "vfork")
MARKS = "marks"
"""The file beside the folder into which the program says what it is about to do, and has done."""
SHARED_MEMORY = "-shm"
"""SQLite's index of its log lives in memory; what is left of its file is never read."""

_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_BYTES = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_PATH = re.compile(r"<((?:\\x[0-9a-f]{2})*)>")


class CannotTrace(Exception):
    """The program did not end well, or did something that is not in the model."""


def why_not() -> str | None:
    """What keeps this machine from recording; None: nothing."""
    if shutil.which("strace") is None:
        return "there is no strace (apt-get install strace)"
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"],
                           capture_output=True, text=True, check=False)
    return tried.stderr.strip() or "strace may not trace here" if tried.returncode else None


class Recorder:
    """``folder`` holds the files of ``held``, in this order, and nothing else."""

    def __init__(self, folder: Path, held: Sequence[str] = ()) -> None:
        self._folder = folder
        self._names = {name: file for file, name in enumerate(held)}
        self._sizes = [(folder / name).stat().st_size for name in held]

    def record(self, module: str, *arguments: str) -> list[Step]:
        """Run ``python -m MODULE FOLDER MARKS ARGUMENTS`` to its end, whichever that is."""
        log = self._folder.with_name("strace.log")
        marks = self._folder.with_name(MARKS)
        done = subprocess.run(
            ["strace", "-xx", "-y", "-s", "10000000", "-o", str(log),
             "-e", "trace=" + ",".join(f"?{call}" for call in CALLS), "-e", "signal=none",
             sys.executable, "-m", module, str(self._folder), str(marks), *arguments],
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.stderr:
            raise CannotTrace(done.stderr)
        return list(self._read(log))

    def _read(self, log: Path) -> Iterator[Step]:
        self._at: dict[str, int] = {}  # descriptor → where it writes next; absent: at the end
        with log.open() as lines:
            for line in lines:
                if line.startswith(("+++", "---")):
                    continue
                found = _LINE.match(line)
                if found is None:
                    raise CannotTrace(f"not understood: {line[:200]}")
                call, arguments, result = found[1], found[2].split(", "), int(found[3])
                if result >= 0:
                    yield from self._step(call, arguments, result)

    def _step(self, call: str, arguments: list[str], result: int) -> Iterator[Step]:
        if call in ("open", "openat", "creat"):
            yield from self._open(arguments[call == "openat"], arguments[-2:], result)
            return
        if call in ("unlink", "unlinkat"):
            name = self._ours(_text(arguments[call == "unlinkat"]))
            if name is not None and not name.endswith(SHARED_MEMORY):
                del self._names[name]
                yield Remove(name)
            return
        if call in ("rename", "renameat", "renameat2"):
            paths = [_text(one) for one in arguments if one.startswith('"')]
            old, new = (self._ours(path) for path in paths)
            if old is not None and new is not None:
                self._names[new] = self._names.pop(old)
                yield Rename(old, new)
            return
        if call in ("link", "linkat"):
            paths = [_text(one) for one in arguments if one.startswith('"')]
            old, new = (self._ours(path) for path in paths)
            if old is not None and new is not None:
                self._names[new] = self._names[old]
                yield Link(old, new)
            return
        held = _PATH.search(arguments[4] if call == "mmap" else arguments[0])
        path = bytes.fromhex(held[1].replace("\\x", "")).decode() if held else ""
        descriptor = arguments[0].partition("<")[0]
        if path == str(self._folder.with_name(MARKS)):
            if call == "write":
                yield Mark(_bytes(arguments[1]).decode())
            return
        if path == str(self._folder) and call in ("fsync", "fdatasync"):
            yield Sync(None)
            return
        name = self._ours(path)
        if name is None or name.endswith(SHARED_MEMORY):
            if call.startswith(("clone", "fork", "vfork")):
                raise CannotTrace("the program must be one thread")
            return
        file = self._names.get(name)
        if call == "close":
            self._at.pop(descriptor, None)
        elif call == "lseek":
            self._at[descriptor] = result
        elif call == "mmap":
            if "MAP_SHARED" in arguments[3] and "PROT_WRITE" in arguments[2]:
                raise CannotTrace(f"{name} is written through memory, which nobody sees")
        elif file is None:
            raise CannotTrace(f"{call} of {name}, which has no name any more")
        elif call in ("fsync", "fdatasync"):
            yield Sync(file)
        elif call == "ftruncate":
            self._sizes[file] = int(arguments[1])
            yield Resize(file, int(arguments[1]))
        elif call == "pwrite64":
            yield self._write(file, int(arguments[3]), _bytes(arguments[1])[:result])
        elif call == "write":
            at = self._at.get(descriptor, self._sizes[file])
            if descriptor in self._at:
                self._at[descriptor] += result
            yield self._write(file, at, _bytes(arguments[1])[:result])
        else:
            raise CannotTrace(f"{call} of {name} is not in the model")

    def _open(self, path: str, how: list[str], descriptor: int) -> Iterator[Step]:
        name = self._ours(_text(path))
        if name is None or name.endswith(SHARED_MEMORY):
            return
        flags = next((one for one in how if "O_" in one), "")
        if name not in self._names:
            if "O_CREAT" not in flags:
                return  # the folder itself, or one that was there
            file = self._names[name] = len(self._sizes)
            self._sizes.append(0)
            yield Make(file, name)
        file = self._names[name]
        if "O_TRUNC" in flags and self._sizes[file]:
            self._sizes[file] = 0
            yield Resize(file, 0)
        if "O_APPEND" not in flags:
            self._at[str(descriptor)] = 0

    def _write(self, file: int, at: int, data: bytes) -> Write:
        self._sizes[file] = max(self._sizes[file], at + len(data))
        return Write(file, at, data)

    def _ours(self, path: str) -> str | None:
        """The name of a file in the folder."""
        parent, _, name = path.rpartition("/")
        return name if parent == str(self._folder) else None


def _bytes(argument: str) -> bytes:
    found = _BYTES.fullmatch(argument)
    if found is None or found[2]:
        raise CannotTrace(f"no whole text: {argument[:100]}")
    return bytes.fromhex(found[1].replace("\\x", ""))


def _text(argument: str) -> str:
    return _bytes(argument).decode()
