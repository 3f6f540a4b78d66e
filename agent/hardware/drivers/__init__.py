"""One small file per driver, or per handful of near twins: a SPEC and how to open it."""
