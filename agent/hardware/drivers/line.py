"""``line``: a reflective (line-tracking) sensor with a digital output.

gpiozero's LineSensor samples such a pin a hundred times a second for ever; here the kernel reports
and debounces its edges, as for the other inputs.
"""

from __future__ import annotations

from agent.hardware.drivers.inputs import QUANTITIES, open_edge
from agent.hardware.drivers.options import ACTIVE_STATE, PIN, bounce_time, pull_up
from agent.hardware.ports import SensorSpec

SPEC = SensorSpec(
    name="line",
    quantities=QUANTITIES,
    options=(PIN, pull_up(False), ACTIVE_STATE, bounce_time(0.02)),
    open=open_edge,
    edge=True,
    default_every=None,
)
