"""The command `aftercare`: each command reads its files, says in one sentence what is wrong, or does its work."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import typer

#: Where each command stands, in the order of the help page.
COMMANDS = {
    "init": "bot.cli_run",
    "run": "bot.cli_run",
    "sandbox": "bot.cli_run",
    "rehearse": "bot.cli_run",
    "check": "bot.cli_words",
    "ask": "bot.cli_words",
    "evaluate": "bot.cli_words",
    "invite": "bot.cli_clinic",
    "due": "bot.cli_clinic",
    "export": "bot.cli_clinic",
    "erase": "bot.cli_clinic",
    "inbox": "bot.cli_inbox",
    "db": "bot.cli_db",
}


def main() -> None:
    """Run the command line; every known trouble becomes one clear sentence and exit code 1."""
    try:
        app_for(sys.argv[1:])()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def app_for(words: Sequence[str]) -> typer.Typer:
    """Return the command line with the commands that *words* ask for.

    Only their modules are imported: asking a question needs no database and no Telegram, and starts in half the time.
    """
    wanted = next((COMMANDS[word] for word in words if word in COMMANDS), None)
    app = typer.Typer(
        name="aftercare",
        help="A Telegram bot that looks after patients after dry needling, and the tools of their clinic.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(lambda: None)  # one command alone would otherwise lose its name
    for module in [wanted] if wanted else dict.fromkeys(COMMANDS.values()):
        app.add_typer(importlib.import_module(module).app)
    return app
