"""Tests of the rehearsal: it goes well with the supplied words, and it notices when something does not."""

from __future__ import annotations

import io

from rich.console import Console

from bot import rehearsal
from bot.content.settings import Alerts, Settings


async def test_the_supplied_words_rehearse_without_a_problem(settings: Settings) -> None:
    """72 hours, two patients, a red flag, a night, a restart."""
    told = io.StringIO()
    problems = await rehearsal.play(settings, Console(file=told, width=120))

    assert problems == []
    assert "everything as it must be" in told.getvalue()
    assert rehearsal.DANGER in told.getvalue()


async def test_a_rehearsal_that_goes_wrong_says_so(settings: Settings) -> None:
    """An instruction that does not name the emergency number is found out."""
    clinic = settings.clinic.model_copy(update={"emergency_number": "999"})
    wrong = settings.model_copy(update={"clinic": clinic, "alerts": Alerts()})
    original = rehearsal.DANGER
    rehearsal.DANGER = "does it hurt?"  # no red flag: no instruction, no alert
    try:
        problems = await rehearsal.play(wrong, Console(file=io.StringIO()))
    finally:
        rehearsal.DANGER = original

    assert any("emergency number" in problem for problem in problems)
    assert any("no alert" in problem for problem in problems)
