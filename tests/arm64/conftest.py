"""These tests need an ARM machine: ``tests/arm64/run`` emulates one. Collected only there."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("CHT_ARM64_ROOT") else ["test_*.py"]
