"""What ``cht-agent doctor`` knows of troubles: one small function for each, in ``checks``.

A check looks at the :class:`~agent.doctor.machine.Machine` it is given, which in a test is a folder
of files, and says what it found. It changes nothing.
"""
