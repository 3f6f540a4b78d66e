import os
import socket

import pytest

from agent.service.peer import Peer, control_gid, may_control, peer_of

GROUP = 990


@pytest.mark.parametrize(
    ("peer", "group", "allowed"),
    [
        (Peer(1, 0, 0), GROUP, True),
        (Peer(1, 0, 0), None, True),
        (Peer(1, 991, 991), GROUP, True),
        (Peer(1, 1000, GROUP), GROUP, True),
        (Peer(1, 1000, 1000, frozenset({4, GROUP})), GROUP, True),
        (Peer(1, 1000, 1000, frozenset({4, 24})), GROUP, False),
        (Peer(1, 1000, 0, frozenset({0})), GROUP, False),
        (Peer(1, 1000, 1000, frozenset({4})), None, False),
    ],
)
def test_root_the_daemon_itself_and_the_group_may_control(peer, group, allowed):
    assert may_control(peer, 991, group) is allowed


def test_the_kernel_tells_who_connects():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_of(ours) == Peer(
            os.getpid(), os.geteuid(), os.getegid(), frozenset(os.getgroups())
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("groups", [[], [4, 24, GROUP], list(range(2000, 2256))])
def test_a_stranger_and_all_of_his_groups_are_known(tmp_path, groups):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        # In the abstract namespace, as a stranger may not enter the folders of a test.
        listener.bind(f"\0{tmp_path}")
        listener.listen()
        listener.settimeout(10)
        child = os.fork()
        if child == 0:
            try:
                os.setgroups(groups)
                os.setgid(12345)
                os.setuid(12345)
                client.connect(f"\0{tmp_path}")
                client.recv(1)
            finally:
                os._exit(0)
        connection, _ = listener.accept()
        with connection:
            peer = peer_of(connection)
            connection.sendall(b"x")
        os.waitpid(child, 0)
    assert peer == Peer(child, 12345, 12345, frozenset(groups))


def test_a_group_that_is_not_there_is_none():
    assert control_gid("no-such-group-here") is None
    assert control_gid("root") == 0
