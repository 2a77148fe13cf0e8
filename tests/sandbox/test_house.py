"""The sandbox is a stranger, and stays small."""

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "bot" / "sandbox"
FILES = sorted(path for path in ROOM.rglob("*") if path.suffix in (".py", ".js", ".css", ".html"))


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".py"], ids=lambda path: path.name)
def test_it_knows_nobody_in_the_house(path: Path) -> None:
    """It imports itself, the standard library, and what serves the web."""
    tree = ast.parse(path.read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }

    assert not [name for name in imported if name.split(".")[0] == "telegram"]
    assert not [
        name for name in imported if name.split(".")[0] == "bot" and not name.startswith("bot.sandbox")
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_its_files_stay_small(path: Path) -> None:
    """One purpose, at most 350 lines."""
    assert len(path.read_text().splitlines()) <= 350
