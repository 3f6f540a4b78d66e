"""The telephone: the agent answers calls with live readings, and calls people."""
