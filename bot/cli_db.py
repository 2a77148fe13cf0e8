"""The command about the database: copying it into another one, such as from a file to PostgreSQL."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from bot import desk
from bot.content.settings import Storage
from bot.storage import copy as copying
from bot.storage.database import Database
from bot.terminal import ConfigOption, err, fail, in_plain_words, out, settings_from

app = typer.Typer()
_db = typer.Typer(help="Work on the whole database.")
_db.callback()(lambda: None)  # one command alone would otherwise lose its name
app.add_typer(_db, name="db")


@_db.command("copy")
def copy(
    to: Annotated[
        str,
        typer.Option(
            help="The empty database to copy into: postgresql+psycopg://user@host/name "
            "(the password from PGPASSWORD or ~/.pgpass), or sqlite:///file.db."
        ),
    ],
    config: ConfigOption = None,
) -> None:
    """Copy everything that config.yaml's database holds into another one. Stop the bot first, and all that stand by."""
    with in_plain_words():
        settings = settings_from(config)
        target = Database(_checked(to))
        try:
            with (
                desk.database_of(settings) as source,
                err.status("Making sure that no bot is at work; copying…"),
            ):
                counts = copying.copy(source, target, time.sleep)
                place = source.place
        finally:
            target.close()
    table = Table("Table", "Rows", box=None, padding=(0, 2, 0, 0))
    table.columns[1].justify = "right"
    for name, count in counts.items():
        table.add_row(name, str(count))
    out.print(table)
    out.print(
        f"Copied {sum(counts.values())} rows into {escape(target.place)}, and counted them there.",
        soft_wrap=True,
    )
    out.print("\nNow write in config.yaml, and start the bot:\n")
    out.print(f"database:\n  url: {escape(target.address)}\n", soft_wrap=True)
    if target.address != target.url:
        out.print("The password is not written there: give it in PGPASSWORD, or in ~/.pgpass.")
    out.print(
        f"{escape(place)} is as it was. Keep it until the new one has proved itself; then delete it, for it holds "
        "patients' data.",
        soft_wrap=True,
    )


def _checked(url: str) -> str:
    try:
        return Storage(url=url).url
    except ValidationError:
        fail(
            "--to must be postgresql+psycopg://user@host/name (the password from PGPASSWORD) or sqlite:///file.db."
        )
