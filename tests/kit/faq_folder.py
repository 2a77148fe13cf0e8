"""A content folder of a test's own: the real `faq/`, in which it changes a file, and a clinic's overlay beside it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import dedent

from bot.content.library import Library
from bot.content.loading import load_library
from bot.content.settings import Settings
from bot.content.yaml_source import Faults

REAL = Path(__file__).resolve().parents[2] / "faq"


class FaqFolder:
    """A copy of `faq/` (*folder*) and a clinic's own folder (*overlay*, once something is written into it).

    The copy's red flags have one made-up phrase each: the real ones take most of the time that loading takes.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "faq"
        self.overlay = home / "own"
        shutil.copytree(REAL, self.folder)
        self.write("en/red_flags.yaml", _few_red_flags(self.text("outline.yaml")))

    def text(self, name: str) -> str:
        """Return the text of a supplied file."""
        return (self.folder / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        """Replace a supplied file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace *old*, which must stand in a supplied file exactly once."""
        text = self.text(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    def own(self, name: str, text: str) -> Path:
        """Write a file of the clinic's overlay; return its path, which is what faults call it."""
        path = self.overlay / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def at(self, name: str, words: str) -> str:
        """Return ``file:line`` of *words*, which must stand in a supplied file exactly once."""
        return f"{name}:{_line(self.text(name), words)}"

    def own_at(self, name: str, words: str) -> str:
        """Return ``file:line`` of *words*, which must stand in a file of the overlay exactly once."""
        path = self.overlay / name
        return f"{path}:{_line(path.read_text(encoding='utf-8'), words)}"

    def load(self, *languages: str) -> Library:
        """Load the folder, with the overlay if there is one."""
        return load_library(self.settings(*languages), self.folder)

    def faults(self, *languages: str) -> list[str]:
        """Load the folder and return its faults as they are shown, in order."""
        try:
            self.load(*languages)
        except Faults as error:
            return [str(fault) for fault in error.faults]
        return []

    def settings(self, *languages: str) -> Settings:
        """Return the settings of a clinic that uses this folder; it speaks English if nothing is said."""
        return Settings.model_validate(
            {
                "clinic": {
                    "name": "Example Physio",
                    "phone": "+65 6000 0000",
                    "time_zone": "Asia/Singapore",
                    "emergency_number": "995",
                    "crisis_line": "SOS 1767",
                    "closed_advice": "Go to a 24-hour clinic.",
                    "branches": [{"id": "main", "name": "Orchard", "address": "1 Road", "hours": {}}],
                },
                "content": {
                    "languages": languages or ("en",),
                    "overlay": self.overlay if self.overlay.exists() else None,
                },
            }
        )


def _few_red_flags(outline: str) -> str:
    ids = re.findall(r"^  (\w+): (?:emergency|same_day)$", outline, flags=re.MULTILINE)
    lines = ["reviewed: {by: A test, on: 2026-11-20}", "red_flags:"]
    for id_ in ids:
        said = f"made up {id_.replace('_', ' ')}"
        lines += [
            f"  {id_}:",
            f"    title: {id_.capitalize()}",
            f"    say: Call {{emergency.number}} about {id_}.",
            f"    rules: {{told: [{said}]}}",
            f"    examples: [{said}]",
        ]
    return "\n".join(lines) + "\n"


def _line(text: str, words: str) -> int:
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if words in line]
    assert len(lines) == 1, f"{words!r} stands on lines {lines}"
    return lines[0]
