"""The server on a real Unix socket, asked by the blocking client on a thread and by raw sockets."""

import asyncio
import contextlib
import json
import os
import socket
import stat
import threading

import pytest

from agent.config.model import Secret
from agent.errors import AgentError, ConfigError, NotRunning, StorageError
from agent.service import logs
from agent.service.client import NotAnswering, Refused, request
from agent.service.socket import MOST_BYTES, MOST_CONNECTIONS, StatusServer, for_controllers


async def status(peer, message):
    return {"uid": peer.uid, "溫室": "25.3"}


async def refuse(peer, message):
    raise AgentError(f"no actuator {message['id']}")


async def fail(peer, message):
    raise RuntimeError("a bug in a handler")


async def unspeakable(peer, message):
    return object()


async def never(peer, message):
    await asyncio.Event().wait()


HANDLERS = {
    "status": status, "set": refuse, "fail": fail, "unspeakable": unspeakable, "never": never,
}  # fmt: skip


def with_server(path, client, *, handlers=HANDLERS, idle=30.0):
    """Run ``client()`` on a thread while the server serves; what it returned."""

    async def serve():
        server = StatusServer(path, handlers, idle=idle)
        await server.start()
        try:
            return await asyncio.wait_for(asyncio.to_thread(client), 20)
        finally:
            await asyncio.wait_for(server.stop(), 5)

    return asyncio.run(serve())


class Raw:
    """A client that can misbehave."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def say(self, raw):
        self.socket.sendall(raw)
        return self

    def hear(self):
        line = self.lines.readline()
        return json.loads(line) if line else None


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "agent.sock"


def test_an_answer_comes_back(path):
    answer = with_server(path, lambda: request(path, {"op": "status"}))
    assert answer == {"uid": os.geteuid(), "溫室": "25.3"}
    assert not path.exists(), "the socket goes with the server"


def test_a_secret_in_an_answer_is_masked(path):
    """It may be typed as a command, which everybody could then read in the status."""
    secret = "DKcanary-of-the-socket"
    logs.redact([Secret(secret)])

    async def tell(peer, message):
        return {"cmd": secret, "list": [f"error: {secret}?", 5, None]}

    def ask():
        return request(path, {"op": "tell"})

    assert with_server(path, ask, handlers={"tell": tell}) == {
        "cmd": "****", "list": ["error: ****?", 5, None]}


def test_several_requests_on_one_connection_are_answered_in_order(path):
    def client():
        with Raw(path) as raw:
            raw.say(b'{"op":"status"}\n{"op":"set","id":"lamp"}\n{"op":"status"}\n')
            return [list(raw.hear()) for _ in range(3)]

    assert with_server(path, client) == [["ok"], ["error"], ["ok"]]


def test_a_refusal_is_an_error_with_its_reason(path):
    with pytest.raises(Refused, match="no actuator lamp"):
        with_server(path, lambda: request(path, {"op": "set", "id": "lamp"}))


@pytest.mark.parametrize("op", ["fail", "unspeakable"])
def test_a_bug_in_a_handler_ends_neither_server_nor_connection(path, caplog, op):
    def client():
        with Raw(path) as raw:
            first = raw.say(b'{"op":"%s"}\n' % op.encode()).hear()
            return first, raw.say(b'{"op":"status"}\n').hear()

    first, second = with_server(path, client)
    assert first == {"error": "internal error: the daemon's log tells more"}
    assert "ok" in second
    assert len(caplog.records) == 1 and caplog.records[0].exc_info


@pytest.mark.parametrize(
    "raw",
    [
        b"\n", b"nonsense\n", b"[]\n", b"5\n", b"{}\n", b'{"op":5}\n', b'{"op":"reboot"}\n',
        b"\xff\xfe\n", b"[" * 50_000 + b"\n", b'{"op":"status"}}\n',
    ],
)  # fmt: skip
def test_a_malformed_request_gets_an_error_and_the_next_one_an_answer(path, raw):
    def client():
        with Raw(path) as connection:
            first = connection.say(raw).hear()
            return first, connection.say(b'{"op":"status"}\n').hear()

    first, second = with_server(path, client)
    assert list(first) == ["error"] and list(second) == ["ok"]


def test_an_endless_request_is_cut_off(path):
    def client():
        with Raw(path) as raw:
            with contextlib.suppress(OSError):
                raw.say(b"x" * (4 * MOST_BYTES))
            return raw.hear(), request(path, {"op": "status"})

    first, second = with_server(path, client)
    assert "longer than" in first["error"] and second


def test_a_request_of_the_largest_size_is_taken(path):
    message = {"op": "status", "pad": ""}
    message["pad"] = "x" * (MOST_BYTES - len(json.dumps(message)) - 2)
    assert with_server(path, lambda: request(path, message))


def test_a_silent_connection_is_closed(path):
    def client():
        with Raw(path) as raw:
            return raw.hear()

    assert with_server(path, client, idle=0.05) is None


def test_a_client_that_leaves_without_its_answer_harms_nobody(path):
    def client():
        for _ in range(20):
            with Raw(path) as raw:
                raw.say(b'{"op":"status"}\n' * 50)
        with Raw(path) as raw:
            raw.say(b'{"op":"sta')
        return request(path, {"op": "status"})

    assert with_server(path, client)


def test_beyond_the_most_connections_one_is_told_so(path):
    def client():
        crowd = [Raw(path) for _ in range(MOST_CONNECTIONS)]
        for raw in crowd:
            assert "ok" in raw.say(b'{"op":"status"}\n').hear()
        with pytest.raises(Refused, match="too many connections"):
            request(path, {"op": "status"})
        for raw in crowd:
            raw.__exit__()
        # Freed places are free at once, or nearly.
        for _ in range(100):
            try:
                return request(path, {"op": "status"})
            except Refused:
                continue

    assert with_server(path, client)


def test_everybody_may_connect_whatever_the_umask(path):
    old = os.umask(0o077)
    try:
        mode = with_server(path, lambda: stat.S_IMODE(path.stat().st_mode))
    finally:
        os.umask(old)
    assert mode == 0o666


def test_the_socket_of_a_dead_daemon_is_replaced(path):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    with pytest.raises(NotRunning):
        request(path, {"op": "status"})
    assert with_server(path, lambda: request(path, {"op": "status"}))


def test_a_living_daemon_keeps_its_socket(path):
    def client():
        with pytest.raises(AgentError, match="another daemon is running") as caught:
            with_server(path, lambda: None)
        assert not isinstance(caught.value, ConfigError)
        return request(path, {"op": "status"})

    assert with_server(path, client)


def test_a_living_daemon_with_a_full_queue_is_alive(path):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        with pytest.raises(AgentError, match="another daemon is running"):
            with_server(path, lambda: None)
    assert path.exists()


def test_what_is_no_socket_is_never_removed(path):
    path.parent.mkdir()
    path.write_text("a file of somebody")
    with pytest.raises(ConfigError, match="no socket"):
        with_server(path, lambda: None)
    assert path.read_text() == "a file of somebody"


def test_a_place_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        with_server(tmp_path / "file" / "agent.sock", lambda: None)
    with pytest.raises(ConfigError, match="too long"):
        with_server(tmp_path / ("x" * 120), lambda: None)


@pytest.mark.parametrize("handling", [False, True])
def test_stop_waits_for_nobody(path, handling):
    connected = threading.Event()

    async def serve():
        entered = asyncio.Event()

        async def enter(peer, message):
            entered.set()
            await never(peer, message)

        server = StatusServer(path, {"never": enter})
        await server.start()
        client = threading.Thread(target=lambda: stuck(connected), daemon=True)
        client.start()
        await asyncio.to_thread(connected.wait, 10)
        if handling:
            await asyncio.wait_for(entered.wait(), 10)
        await asyncio.wait_for(server.stop(), 2)
        await server.stop()
        await asyncio.to_thread(client.join, 10)
        assert not client.is_alive(), "the client hears of the end"

    def stuck(connected):
        with Raw(path) as raw:
            raw.say(b'{"op":"never"}\n')
            connected.set()
            with contextlib.suppress(ConnectionResetError):
                raw.hear()

    asyncio.run(serve())
    assert not path.exists()


def test_a_client_who_asks_and_asks_holds_nobody_up(path):
    """All that it asked is there already; others have their turn between two answers."""

    async def serve():
        server = StatusServer(path, HANDLERS)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"op":1}\n' * 2000)
        at_once = []
        while sum(at_once) < 2000:
            at_once.append((await reader.read(65536)).count(b"\n"))
        writer.close()
        await server.stop()
        return max(at_once)

    assert asyncio.run(serve()) < 100


@pytest.mark.parametrize("turns", range(12))
def test_stop_ends_a_client_who_asks_in_that_moment(path, turns):
    """However many turns of the loop the request is ahead of the end."""

    async def serve():
        server = StatusServer(path, HANDLERS)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"op":"status"}\n')
        assert await reader.readline()
        writer.write(b'{"op":"never"}\n')
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.wait_for(server.stop(), 2)
        writer.close()

    asyncio.run(serve())


def test_stop_leaves_the_socket_of_a_successor(path):
    async def serve():
        server = StatusServer(path, HANDLERS)
        await server.start()
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
            await server.stop()
        assert path.exists()

    asyncio.run(serve())


def test_only_controllers_get_through_to_a_guarded_handler(path):
    def serve_for(uid, gid):
        handlers = {"set": for_controllers(status, uid, gid)}
        return with_server(path, lambda: request(path, {"op": "set"}), handlers=handlers)

    assert serve_for(os.geteuid(), None)
    if os.geteuid() == 0:
        assert serve_for(12345, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_stranger_is_refused_and_told_how_to_be_let_in(path):
    def client():
        child = os.fork()
        if child == 0:
            good = False
            try:
                os.chdir(path.parent)  # while we may still enter the folders above it
                os.setgroups([])
                os.setgid(12345)
                os.setuid(12345)
                with Raw(path.name) as raw:
                    denied = raw.say(b'{"op":"set"}\n').hear()
                    fine = raw.say(b'{"op":"status"}\n').hear()
                good = "not permitted: use sudo" in denied["error"] and fine["ok"]["uid"] == 12345
            finally:
                os._exit(0 if good else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    handlers = {"set": for_controllers(status, os.geteuid(), None), "status": status}
    assert with_server(path, client, handlers=handlers) == 0


def test_the_client_tells_silence_from_absence(path):
    with pytest.raises(NotRunning) as absent:
        request(path, {"op": "status"})
    assert not isinstance(absent.value, NotAnswering)
    with pytest.raises(NotAnswering, match="does not answer within"):
        with_server(path, lambda: request(path, {"op": "never"}, timeout=0.1))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", NotAnswering),
        (b"HTTP/1.1 400 Bad Request\r\n", AgentError),
        (b"[]\n", AgentError),
        (b'{"error": 5}\n', AgentError),
    ],
)
def test_a_strange_answer_is_one_clear_error(path, answer, error):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(path))
        stranger.listen()

        def serve():
            connection, _ = stranger.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(error):
            request(path, {"op": "status"}, timeout=5)
        thread.join(5)
