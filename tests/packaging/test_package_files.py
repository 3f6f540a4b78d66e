"""The package, as far as it can be judged without installing it; tests/systemd installs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from agent.commands.check import summary
from agent.config.load import inspect

ROOT = Path(__file__).parents[2]
DEB = ROOT / "packaging" / "deb"
UNIT = ROOT / "systemd" / "cht-agent.service"
LOCK = ROOT / "requirements" / "deb.txt"
SCRIPTS = [
    *(DEB / name for name in ("build", "preinst", "postinst", "prerm", "postrm")),
    *(DEB / name for name in ("cht-agent.rtupdate", "bin/cht-agent", "bin/python3")),
    *(ROOT / "packaging" / name for name in ("install", "release", "wheels")),
]


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==(\S+)", LOCK.read_text(encoding="utf-8"), re.M))


def test_the_first_configuration_drives_no_pin_and_waits_in_the_registry() -> None:
    config = inspect(DEB / "agent.toml").config
    assert config is not None
    assert summary(config) == "0 sensors, 0 actuators, identity from the registry, backend pi"


def test_the_lock_has_what_the_agent_needs_and_no_more() -> None:
    # setuptools builds it; the others are imported, gpiozero's colorzero among them.
    assert set(locked()) == {
        "colorzero", "gpiozero", "paho-mqtt", "setuptools", "tenacity", "urllib3",
    }  # fmt: skip


def test_every_lock_agrees_on_the_versions() -> None:
    for other in sorted(LOCK.parent.glob("*.txt")):
        versions = dict(re.findall(r"^([\w-]+)==(\S+)", other.read_text(encoding="utf-8"), re.M))
        shared = locked().keys() & versions.keys()
        assert {n: versions[n] for n in shared} == {n: locked()[n] for n in shared}, other.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_is_executable_and_its_shell_understands_it(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shell = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!")
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


def test_the_conffile_is_all_that_a_person_may_change() -> None:
    # dpkg asks at an upgrade when both sides changed it: it is short, and says where the keys are.
    text = (DEB / "agent.toml").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 15 and "/usr/share/doc/cht-agent/agent.toml" in text


# --- built ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb")
    return build(tmp_path_factory.mktemp("dist"))


def build(folder: Path) -> Path:
    done = subprocess.run(
        [str(DEB / "build"), str(folder)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("the wheels are neither kept here nor to be had")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(folder)], check=True)
    return folder


def tree(unpacked: Path) -> Path:
    """The one version in it."""
    (found,) = (unpacked / "usr/lib/cht-agent/versions").iterdir()
    return found


def test_the_same_sources_give_the_same_package(package: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == package.read_bytes()


def test_the_unit_differs_in_its_folder_alone(unpacked: Path) -> None:
    ours = UNIT.read_text(encoding="utf-8").splitlines()
    packaged = (unpacked / "usr/lib/systemd/system/cht-agent.service").read_text(encoding="utf-8")
    assert packaged == (tree(unpacked) / "cht-agent.service").read_text(encoding="utf-8")
    changed = [(a, b) for a, b in zip(ours, packaged.splitlines(), strict=True) if a != b]
    assert [old.split("=")[0] for old, _ in changed] == ["ExecStart", "ExecStopPost"]
    for old, new in changed:
        assert new == old.replace("/opt/cht-agent/bin/", "/usr/lib/cht-agent/current/bin/")
        starter = new.partition("=")[2].split()[0]
        place = starter.replace("/usr/lib/cht-agent/current", str(tree(unpacked)))
        assert os.access(place, os.X_OK)


def test_the_libraries_alone_are_enough(unpacked: Path) -> None:
    # -S: nothing of this interpreter's site-packages, as on a Pi that has none of it.
    code = "import agent.app, agent.link.connection, agent.hardware.gpiozero_pins, urllib3"
    done = subprocess.run(
        [sys.executable, "-SsP", "-c", code], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(tree(unpacked) / "lib"), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_nothing_in_it_is_compiled_or_foreign(unpacked: Path) -> None:
    files = [path for path in unpacked.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".so", ".pyc", ".pth")]
    own = {"agent", "hw_mocks"}
    libraries = {path.name for path in (tree(unpacked) / "lib").iterdir() if path.is_dir()}
    assert {name for name in libraries - own if not name.endswith(".dist-info")} == {
        "colorzero", "gpiozero", "gpiozerocli", "paho", "tenacity", "urllib3",
    }  # fmt: skip


def test_the_bill_of_materials_is_cyclonedx(unpacked: Path) -> None:
    """What bom-1.6.schema.json asks of everything we write; its strict validator agrees."""
    bill = json.loads((unpacked / "usr/share/doc/cht-agent/sbom.cdx.json").read_text("utf-8"))
    assert set(bill) == {
        "$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata",
        "components", "dependencies",
    }  # fmt: skip
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    hexes = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    assert re.fullmatch(f"urn:uuid:{hexes}", bill["serialNumber"])
    datetime.fromisoformat(bill["metadata"]["timestamp"])
    parts = [bill["metadata"]["component"], *bill["components"]]
    for part in parts:
        assert set(part) <= {
            "type", "bom-ref", "name", "version", "description", "purl", "licenses", "hashes",
            "scope",
        }  # fmt: skip
        assert part["type"] in ("application", "library") and part["name"]
        assert part.get("scope", "required") in ("required", "optional")
        assert re.fullmatch(r"pkg:(pypi|generic|deb/debian)/[a-z0-9.+-]+(@[\w.]+)?", part["purl"])
        for digest in part.get("hashes", ()):
            assert digest["alg"] == "SHA-256" and re.fullmatch("[0-9a-f]{64}", digest["content"])
        # Either one expression, or licences by their SPDX identifiers.
        for licence in part.get("licenses", ()):
            assert set(licence) == {"expression"} or set(licence["license"]) == {"id"}
        assert len(part.get("licenses", ())) <= 1
    names = [part["bom-ref"] for part in parts]
    assert len(set(names)) == len(names)
    (ours,) = bill["dependencies"]
    assert ours["ref"] == names[0] and set(ours["dependsOn"]) == set(names[1:])


def test_the_bill_of_materials_names_every_library_with_its_locked_hash(unpacked: Path) -> None:
    file = unpacked / "usr/share/doc/cht-agent/sbom.cdx.json"
    bill = json.loads(file.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    vendored = {each["name"]: each for each in bill["components"] if "version" in each}
    assert {name: each["version"] for name, each in vendored.items()} == {
        name: version for name, version in locked().items() if name != "setuptools"
    }
    lock = LOCK.read_text(encoding="utf-8")
    for each in vendored.values():
        assert f"--hash=sha256:{each['hashes'][0]['content']}" in lock
        assert each["licenses"][0]["expression"]
    asked = {each["name"] for each in bill["components"] if "version" not in each}
    assert {"python3", "python3-systemd", "python3-lgpio"} <= asked
