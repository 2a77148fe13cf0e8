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

#: The smallest content there can be: one topic, two plans, three questions, four red flags.
SMALL = {
    "outline.yaml": """\
        areas:
          - id: clinic
            topics: [{id: cost_insurance, held: clinic}]
        red_flags:
          breathing: emergency
          brain: emergency
          skin: same_day
          pain_severe: same_day
        """,
    "sources.yaml": """\
        sources:
          clinic: The clinic itself
          apicare: A clinic in Singapore
        """,
    "plan.yaml": """\
        plans:
          standard:
            steps:
              - {id: h24, after: 24h, grace: 10h, nudge_after: 4h, questions: [soreness, water]}
              - {id: h48, after: 48h, grace: 10h, nudge_after: 4h, questions: [soreness]}
          chest:
            steps:
              - {id: h4, after: 4h, same_day: true, grace: 6h, nudge_after: 1h, questions: [breathing]}
              - {id: h24, after: 24h, grace: 10h, nudge_after: 4h, questions: [breathing, soreness]}
              - {id: h48, after: 48h, grace: 10h, nudge_after: 4h, questions: [breathing, water]}
        questions:
          breathing:
            options: [{id: easy}, {id: hurts, red_flag: breathing}, {id: short, red_flag: breathing}]
          soreness:
            scale_to: 10
            options: [{id: none, at_least: 0}, {id: severe, at_least: 8, red_flag: pain_severe}]
          water:
            options: [{id: plenty}, {id: some}, {id: little}]
        regions:
          neck: chest
          calf: standard
        default: standard
        """,
    "en/clinic.yaml": """\
        reviewed: {by: A test, on: 2026-11-20}
        topics:
          cost_insurance:
            title: Money
            asks: [money one, money two, money three, money four, money five, money six, money seven, money eight]
            answer: Ask {clinic.name}.
            sources: [clinic]
        """,
    "en/check_ins.yaml": """\
        reviewed: {by: A test, on: 2026-11-20}
        steps:
          h4:
            title: After hours
            normal: It aches.
          h24:
            title: After a day
            normal: It is sore.
          h48:
            title: After two days
            normal: It fades.
        regions:
          neck: Neck
          calf: Calf
        plans:
          standard: The usual
          chest: With a breathing check
        questions:
          breathing:
            name: Breathing
            ask: How is your breathing?
            options: {easy: As usual, hurts: It hurts, short: Short of breath}
          soreness:
            name: Soreness
            ask: How sore is it?
            typed:
              "0": [not sore]
              "9": [terrible]
            advice:
              none: That is fine.
          water:
            name: Water
            ask: Did you drink?
            options:
              plenty: Plenty
              some: Some
              little: Hardly any
            typed:
              plenty: [yes, lots]
              little: [no]
            advice:
              little: Have a glass.
              some: Have another.
        numbers: {seven: 7}
        fillers: [about]
        """,
    "en/small_talk.yaml": """\
        small_talk:
          greeting:
            asks: [hi, hello]
            reply: Hello from {clinic.name}!
          thanks:
            asks: [thanks]
            reply: Welcome.
        """,
    "en/phrases.yaml": """\
        name: English
        description: I look after patients.
        short_description: After dry needling.
        commands: {patient: {start: Begin}, staff: {treated: Register}}
        areas:
          clinic: The clinic
        stop_words: [stop]
        yes_words: [yes]
        phrases:
          welcome_back: Welcome back.
          language_set: I write in {language}.
          menu_area: Choose.
          not_found: I do not know.
        """,
}


class FaqFolder:
    """A copy of `faq/` (*folder*) and a clinic's own folder (*overlay*, once something is written into it).

    The red flags have one made-up phrase each: the real ones take most of the time that loading takes.
    """

    def __init__(self, home: Path, *, small: bool = False) -> None:
        """Make the folder in *home*: the real one, or (*small*) made-up files of the same shape that load at once."""
        self.folder = home / "faq"
        self.overlay = home / "own"
        if small:
            for name, text in SMALL.items():
                self.write(name, text)
        else:
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

    def speak(self, code: str) -> None:
        """Add a language whose words are the English ones."""
        shutil.copytree(self.folder / "en", self.folder / code)

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
