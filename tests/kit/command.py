"""The command line as a person types it."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from bot.cli import app_for


def aftercare(*words: str, answers: str | None = None) -> Result:
    """Run a command."""
    return CliRunner().invoke(app_for(words), list(words), input=answers, catch_exceptions=False)
