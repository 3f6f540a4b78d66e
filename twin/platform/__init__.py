"""The platform's rules without any I/O: messages and calls in, messages and answers out.

The caller brings the time (aware datetimes) and the randomness, carries the messages and keeps
the clock; nothing here sleeps, connects or logs.
"""

from twin.platform.keys import Access, Project
from twin.platform.model import Due, Note, Refused, Settings
from twin.platform.platform import Platform

__all__ = ["Access", "Due", "Note", "Platform", "Project", "Refused", "Settings"]
