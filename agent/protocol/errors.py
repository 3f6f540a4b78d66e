"""Whose fault a bad message is shows in the type of its error."""

MAX_TEXT = 200


class Malformed(ValueError):
    """A message from outside that cannot be understood: to be logged, counted and dropped.

    The text is one line of at most 200 characters and never holds a key. A message of our own
    that the protocol forbids is a plain ValueError instead, raised where it is built.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…")
