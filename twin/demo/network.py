"""The network between the demo's agent and the twin: it can be cut, and can swallow everything."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from twin.page.stage import NetworkState
from twin.proxy import FaultProxy

REACHED = ("mqtt", "phone", "rest")
"""The ports of the twin that an agent knows."""


class Network:
    """From ``with`` on. ``ports``: those of the twin as the agent sees them."""

    def __init__(self, targets: Mapping[str, int]) -> None:
        self._proxies = {name: FaultProxy(targets[name]) for name in REACHED}
        self._running = ExitStack()

    @property
    def ports(self) -> Mapping[str, int]:
        return {name: proxy.port for name, proxy in self._proxies.items()}

    def become(self, state: NetworkState) -> None:
        """``cut``: every connection breaks and none can be made. ``blackhole``: all of them stay,
        new ones are accepted, and nothing arrives; what was held back arrives later, as TCP would
        have it."""
        for proxy in self._proxies.values():
            match state:
                case "ok":
                    proxy.passing()
                case "cut":
                    proxy.refuse()
                case "blackhole":
                    proxy.black_hole()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for proxy in self._proxies.values():
                starting.enter_context(proxy)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()
