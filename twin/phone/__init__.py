"""The telephone service's rules, without I/O and without a clock: what comes in, and when, decides
what goes out.

``telephone`` is the whole of it: numbers and menus over REST, calls, call-outs. ``call`` walks one
call, ``menu`` and ``action`` read what may be done in it, ``accounts`` keeps who rents what.
"""
