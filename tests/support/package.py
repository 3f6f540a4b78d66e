"""Debian packages of this project, as it is or with something broken on purpose."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = ("agent", "hw_mocks", "packaging", "requirements", "systemd", "config")
"""What the package is made of."""

Edit = tuple[str, str, str]
"""(file, text in it, what to put there instead)."""


def build_package(folder: Path, version: str, *edits: Edit) -> Path:
    """The package of this project as ``version``, built in ``folder``, which is empty."""
    for name in SOURCES:
        shutil.copytree(PROJECT / name, folder / name,
                        ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    for file, old, new in (
        ("agent/__init__.py", '__version__ = "', f'__version__ = "{version}"\n_was = "'),
        *edits,
    ):
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r} any more"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = subprocess.run(
        ["packaging/deb/build"], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.strip()
