"""What is published, made from a copy of this project's last commit."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def run(*words: str | Path, cwd: Path, **env: str) -> str:
    """What the program said; it must succeed."""
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env={**os.environ, **env}, check=False, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, so that this folder's own dist/ is left alone."""
    clone = tmp_path_factory.mktemp("release") / "project"
    try:
        run("git", "clone", "--quiet", ROOT, clone, cwd=ROOT)
        run("packaging/wheels", cwd=ROOT, PYTHON=sys.executable)
    except (AssertionError, FileNotFoundError) as exc:
        pytest.skip(f"needs git, the project's history, and the locked wheels: {exc}")
    run("packaging/release", cwd=clone, PYTHON=sys.executable)
    return clone


@pytest.fixture(scope="module")
def dist(project: Path) -> Path:
    return project / "dist"


def test_everything_that_is_published_is_there_with_its_sum(dist: Path) -> None:
    sums = {
        name: digest
        for digest, name in map(str.split, (dist / "SHA256SUMS").read_text().splitlines())
    }
    assert sorted(Path(name).suffix for name in sums) == [".deb", ".gz", ".json", ".whl"]
    for name, digest in sums.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
    assert {path.name for path in dist.iterdir()} == {*sums, "SHA256SUMS"}


def test_the_same_commit_gives_the_same_bytes(project: Path, dist: Path) -> None:
    before = (dist / "SHA256SUMS").read_bytes()
    run("packaging/release", cwd=project, PYTHON=sys.executable)
    assert (dist / "SHA256SUMS").read_bytes() == before


def test_the_wheel_has_every_file_of_the_programs(project: Path, dist: Path) -> None:
    """Beside the code also what it reads: scenarios, pages, patterns."""
    (wheel,) = dist.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    kept = run("git", "ls-files", "agent", "hw_mocks", "twin", cwd=project).splitlines()
    assert {name for name in kept if not name.endswith(".md")} <= packed
    assert not [name for name in packed if name.startswith("tests")]


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The wheel in a venv of its own, as pipx puts it: its bin folder."""
    home = tmp_path_factory.mktemp("installed")
    wheels = run(ROOT / "packaging" / "wheels", cwd=ROOT, PYTHON=sys.executable).strip()
    (wheel,) = dist.glob("*.whl")
    run(sys.executable, "-m", "venv", home / "venv", cwd=home)
    run(
        home / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links",
        wheels, wheel, cwd=home,
    )  # fmt: skip
    yield home / "venv/bin"


def test_the_wheel_runs_from_anywhere(installed: Path, tmp_path: Path) -> None:
    agent = installed / "cht-agent"
    assert run(agent, "--version", cwd=tmp_path).startswith("cht-agent ")
    for program in ("cht-twin", "cht-agent-flash"):
        assert "usage:" in run(installed / program, "--help", cwd=tmp_path)
    (tmp_path / "agent.toml").write_text("""
[platform]
host = "127.0.0.1"
device_id = "7432"
key = "DK1"
[hardware]
backend = "simulated"
scenario = "greenhouse"
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
quantity = "temperature"
""")
    checked = run(agent, "check", "--config", "agent.toml", cwd=tmp_path)
    assert "good: 1 sensor, 0 actuators" in checked
    assert "temperature" in run(agent, "probe", "--config", "agent.toml", cwd=tmp_path)
