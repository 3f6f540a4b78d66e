"""Every error the agent raises on purpose: one root, one line each.

The text says what happened, where, and how to mend it. It never holds a key, a PIN or a full
phone number. A foreign library's exception is translated where it enters, always ``from`` it.
"""


class AgentError(Exception):
    """The root: whoever catches this catches everything expected, and no bug."""


class ConfigError(AgentError):
    """The configuration cannot be used; the operator mends it."""


class LinkError(AgentError):
    """A connection could not be made or was lost."""


class LinkLost(LinkError):
    """Gone, unreachable, or not answering: worth trying again soon."""


class NotSent(LinkLost):
    """No connection was made at all: what was to be asked has surely not been asked."""


class LinkRefused(LinkError):
    """Answered with a refusal (password, certificate, host name): trying again soon is useless."""


class KeyRefused(LinkRefused):
    """The broker does not know this user name and password: the identity itself is in doubt."""


class PlatformRefused(AgentError):
    """The platform's REST answered and said no: asking the same again is useless."""

    def __init__(self, text: str, status: int = 200) -> None:
        """``status``: HTTP's; 200 when only the body said no."""
        super().__init__(text)
        self.status = status


class SensorError(AgentError):
    """A sensor gave no reading, or an impossible one."""


class HardwareError(AgentError):
    """A pin, a bus or a library is missing, taken or not permitted."""


class StorageError(AgentError):
    """A file or database could not be read or written."""


class NotRunning(AgentError):
    """No daemon answers on the status socket."""
