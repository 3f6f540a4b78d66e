"""A phone in the terminal: calls the twin's numbers, and is called by its call-outs."""
