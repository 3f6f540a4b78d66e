"""The room knows nothing of clocks, networks, logs or other rooms."""

import ast
from pathlib import Path

import agent.protocol

ALLOWED = {
    "base64", "binascii", "collections", "contextlib", "dataclasses", "datetime", "json", "math",
    "re", "typing",
}  # fmt: skip


def test_the_room_imports_only_pure_modules_and_itself() -> None:
    files = list(Path(agent.protocol.__path__[0]).glob("*.py"))
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                ours = name == "agent.protocol" or name.startswith("agent.protocol.")
                assert ours or name.split(".")[0] in ALLOWED, f"{file.name} imports {name}"
