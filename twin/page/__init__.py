"""One page of the browser for the demo: what happens, a telephone, and faults to inject."""
