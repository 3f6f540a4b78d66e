"""cht-agent: an edge agent for the Raspberry Pi on Chunghwa Telecom's IoT platform."""

__version__ = "0.1.0"
RELEASED = "2026-11-21"
"""The release date: a wall clock that shows an earlier one is certainly wrong."""
