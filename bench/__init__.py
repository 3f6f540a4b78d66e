"""How fast, how large, how quiet the agent is, beside a bare MQTT client in the same run.

Absolute figures belong to one machine on one day; the ratios carry over.
"""
