"""What the platform and its registry say: bytes to frozen dataclasses and back, and the topics.

Pure: no clock, no network, no logging, and nothing of the other rooms. A message that the protocol
forbids cannot be built (ValueError, our bug); one that came in wrong is ``Malformed`` (theirs).
"""
