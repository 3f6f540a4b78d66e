import pytest

from agent.errors import ConfigError
from agent.identity.serial import machine_id, own_serial


def files(tmp_path, device_tree=None, cpuinfo=""):
    tree = tmp_path / "serial-number"
    if device_tree is not None:
        tree.write_bytes(device_tree)
    info = tmp_path / "cpuinfo"
    info.write_text(cpuinfo)
    return {"device_tree": (tmp_path / "absent", tree), "cpuinfo": info}


CPUINFO = "processor\t: 0\nRevision\t: c03114\nSerial\t\t: 10000000deadbeef\nModel\t\t: Pi\n"


@pytest.mark.req("P-16")
def test_the_device_tree_ends_the_serial_with_a_nul(tmp_path):
    where = files(tmp_path, b"100000001a2b3c4d\0", CPUINFO)
    assert own_serial("auto", **where) == "100000001a2b3c4d"


def test_cpuinfo_serves_where_there_is_no_device_tree(tmp_path):
    assert own_serial("auto", **files(tmp_path, None, CPUINFO)) == "10000000deadbeef"


@pytest.mark.parametrize("unknown", [b"\0", b"0000000000000000\0", b"\xff\xfe\0", b"not/plain\0"])
def test_a_serial_that_is_none_is_passed_over(tmp_path, unknown):
    assert own_serial("auto", **files(tmp_path, unknown, CPUINFO)) == "10000000deadbeef"


def test_without_a_serial_the_operator_is_told_how_to_give_one(tmp_path):
    with pytest.raises(ConfigError, match=r"\[registry\] serial = "):
        own_serial("auto", **files(tmp_path, None, "Serial\t\t: 0000000000000000\n"))


def test_a_given_serial_is_taken_as_it_is(tmp_path):
    assert own_serial("00001", **files(tmp_path, b"100000001a2b3c4d\0")) == "00001"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("0123456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdef"),
        ("uninitialized\n", None),
        ("", None),
    ],
)
def test_machine_id(tmp_path, content, expected):
    path = tmp_path / "machine-id"
    path.write_text(content)
    assert machine_id(path) == expected
    assert machine_id(tmp_path / "absent") is None
