"""What a broker's refusal in CONNACK means for us. Pure."""

from __future__ import annotations

from agent.errors import KeyRefused, LinkError, LinkLost, LinkRefused

# MQTT 5's numbers: paho tells the five of 3.1 and 3.1.1 in them.
_FOR_GOOD = {
    132: "the broker does not accept this MQTT version; set mqtt_version",
    133: "the broker does not accept this client id",
}
_KEY = {
    134: "the broker refuses the key (bad user name or password); check key",
    135: "the broker refuses the key (not authorised); check key",
}


def refusal(code: int, said: str, where: str) -> LinkError:
    """The error of a CONNACK that carries ``code``; anything unknown may pass by itself."""
    if code in _KEY:
        return KeyRefused(f"{where}: {_KEY[code]}")
    if code in _FOR_GOOD:
        return LinkRefused(f"{where}: {_FOR_GOOD[code]}")
    return LinkLost(f"{where}: broker says: {said}")
