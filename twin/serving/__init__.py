"""The twin at work: brokers, REST, the control socket and time around the rules.

For programs there is ``twin.serving.process.Twin``.
"""
