"""Power cuts at any moment: what the stores wrote, recorded, and every disk it may have left.

A store does its real work in a process under strace, which writes down each system call that
changes a file (:mod:`recording`). A model of a disk (:mod:`disk`) then tells what may be on it when
the power goes between two of these calls: what was synced, and of the rest any part, in any
order, torn at sectors. The store is opened on it and must hold all that it had promised
(:mod:`stores`).

This proves the order of writes and syncs, with the SQLite and the Python that ran. It does not
prove that a card keeps what it says it has written; nothing but another card helps there.
"""
