"""How long to wait before the next try, by name. The waiting itself is tenacity's.

Reconnecting starts fast, because most outages last seconds, and every wait is jittered, so that a
fleet whose broker restarts does not come back in one instant.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from tenacity.wait import wait_base

from agent.errors import LinkError, LinkLost, LinkRefused


@dataclass(frozen=True)
class Reconnect:
    """The policy of a link; all times in seconds.

    ``eager``: for this long after the first failure tries are ``quick`` apart; then the wait
    doubles from ``first`` up to ``cap``. A refusal waits from ``refused`` up to ``refused_cap``.
    """

    eager: float = 10.0
    quick: tuple[float, float] = (0.25, 0.5)
    first: float = 1.0
    cap: float = 60.0
    refused: float = 30.0
    refused_cap: float = 900.0

    def delay(self, attempt: int, elapsed: float, refused: bool, rand: random.Random) -> float:
        """Seconds to wait after failed try number ``attempt`` (from 1), ``elapsed`` s after the
        first one."""
        if refused:
            grown = min(self.refused * math.pow(2.0, min(attempt - 1, 30)), self.refused_cap)
            return grown * rand.uniform(0.8, 1.2)
        if elapsed < self.eager:
            return rand.uniform(*self.quick)
        grown = min(self.first * math.pow(2.0, min(elapsed / self.eager - 1, 30)), self.cap)
        return grown * rand.uniform(0.5, 1.0)


class _ReconnectWait(wait_base):
    def __init__(self, policy: Reconnect, rand: random.Random) -> None:
        self._policy = policy
        self._rand = rand

    def __call__(self, retry_state: RetryCallState) -> float:
        failure = retry_state.outcome.exception() if retry_state.outcome else None
        return self._policy.delay(
            retry_state.attempt_number,
            retry_state.seconds_since_start or 0.0,
            isinstance(failure, LinkRefused),
            self._rand,
        )


def reconnecting(
    policy: Reconnect,
    sleep: Callable[[float], Awaitable[None]],
    before_sleep: Callable[[BaseException], None],
    rand: random.Random | None = None,
) -> AsyncRetrying:
    """Tries for ever at LinkError. ``before_sleep`` hears of each; ``sleep`` may return early."""

    def tell(state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        if failure is not None:
            before_sleep(failure)

    return AsyncRetrying(
        wait=_ReconnectWait(policy, rand or random.Random()),  # noqa: S311 - jitter, not a secret
        retry=retry_if_exception_type(LinkError),
        sleep=sleep,
        before_sleep=tell,
        reraise=True,
    )


def repeating(tries: int, sleep: Callable[[float], None]) -> Retrying:
    """A few tries at LinkLost, jittered and at most 2 s apart, of what may be done twice."""
    return Retrying(
        wait=wait_random_exponential(multiplier=0.5, max=2.0),
        retry=retry_if_exception_type(LinkLost),
        stop=stop_after_attempt(tries),
        sleep=sleep,
        reraise=True,
    )
