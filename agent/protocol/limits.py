"""The bounds on a message: the platform's for what is sent, ours for what is read."""

MAX_PAYLOAD = 5000
"""Bytes of a rawdata, command or ack PUBLISH: the platform drops a larger one silently (P-04)."""

MAX_FOREIGN = 64 * 1024
"""Bytes of a message worth parsing at all: a notice of the platform has some hundred."""

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer of the platform's REST: a project's list of some ten thousand devices."""

MAX_ID = 256
"""Characters of an id. Nothing is documented; two of them must fit an MQTT topic (65,535 bytes)."""
