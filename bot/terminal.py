"""What all commands share: the two consoles, common options, and troubles in plain words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from bot import logs
from bot.content.settings import Settings, example_config, load_settings
from bot.content.yaml_source import Faults
from bot.domain.trouble import Trouble

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="AFTERCARE_CONFIG",
        help="The clinic's settings. [dim]Default: ./config.yaml[/dim]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


@contextlib.contextmanager
def in_plain_words() -> Iterator[None]:
    """Turn the troubles we know into a sentence without a traceback."""
    try:
        yield
    except Faults as faults:
        for fault in faults.faults:
            err.print(escape(logs.scrub(str(fault))), soft_wrap=True)
        fail(f"{len(faults.faults)} fault{'s' * (len(faults.faults) > 1)} to mend.")
    except Trouble as trouble:
        fail(logs.scrub(str(trouble)))


def fail(sentence: str) -> NoReturn:
    """Say in one sentence what is wrong, and end with 1."""
    err.print(f"[bold red]aftercare:[/] {escape(sentence)}", soft_wrap=True)
    raise typer.Exit(1)


def settings_from(config: Path | None, *, example_will_do: bool = False) -> Settings:
    """Load the settings that were named, else ./config.yaml, else (for trying things out) the example."""
    path = config or Path("config.yaml")
    if config is None and not path.exists():
        if not example_will_do:
            fail("There is no config.yaml here. Make one with: aftercare init (or name it with --config).")
        path = example_config()
    return load_settings(path)
