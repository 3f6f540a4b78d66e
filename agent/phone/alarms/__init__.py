"""Alarms: what is watched, what is wrong, and who is phoned about it. Pure but for ``store`` and
``office``.
"""
