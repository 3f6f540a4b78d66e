"""Many light devices at once: what a fleet does to a broker, and what an outage does to a fleet."""
