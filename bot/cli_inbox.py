"""The command about the inbox: what could not be handled, to look at, to put back in line, or to drop."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from bot import desk, wiring
from bot.domain.raw import glance
from bot.storage import groups, inbox, patients, treatments
from bot.storage.database import Session
from bot.storage.inbox import InboxState
from bot.storage.tables import InboxRow
from bot.terminal import ConfigOption, JsonOption, fail, in_plain_words, out, settings_from


class _ListUnlessTold(TyperGroup):
    """`aftercare inbox` is `aftercare inbox list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put "list" before the options if no command is named."""
        bare = not args or (args[0].startswith("-") and args[0] != "--help")
        return super().parse_args(ctx, ["list", *args] if bare else args)


app = typer.Typer()
_inbox = typer.Typer(
    cls=_ListUnlessTold,
    help="See what the bot received and could not handle (list), look at one (show), put it back in line (retry), "
    "or drop it. Without a command it lists. It works while the bot runs.",
)
app.add_typer(_inbox, name="inbox")

Number = Annotated[int, typer.Argument(help="The update's number, as the list and the logs show it.")]
NumberOrAll = Annotated[int | None, typer.Argument(help="The update's number, as the list shows it.")]


@_inbox.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List what is parked or waits for another try, oldest first. Nobody's words are shown."""
    with in_plain_words():
        settings = settings_from(config)
        zone = settings.zone(None)
        with desk.database_of(settings) as database:
            listed = database.call(
                lambda session: [_as_dict(session, row, zone) for row in inbox.in_trouble(session)]
            )
    if as_json:
        out.print_json(json.dumps(listed, ensure_ascii=False))
        return
    if not listed:
        out.print("Nothing is parked, and nothing waits for another try.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Number", "Arrived", "From", "What", "Tries", "State", "Error"):
        # On a narrow terminal it is the names that wrap: a moment on two lines is misread.
        table.add_column(title, no_wrap=title in ("Number", "Arrived", "State"))
    for entry in listed:
        table.add_row(
            str(entry["number"]),
            _clock(entry["arrived_at_local"]),
            escape(entry["from"]),
            escape(entry["what"]),
            str(entry["tries"]),
            _state(entry),
            escape(entry["error"] or ""),
        )
    out.print(table)


@_inbox.command()
def show(
    number: Number,
    words: Annotated[
        bool, typer.Option("--words", help="Show everything in it, with what the person wrote.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one update: where it stands and what it is made of; what the person wrote only with --words."""
    with in_plain_words():
        settings = settings_from(config)
        with desk.database_of(settings) as database:
            entry = database.call(_looked_at, number, settings.zone(None), words)
    if as_json:
        out.print_json(json.dumps(entry, ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_row("Number", str(entry["number"]))
    table.add_row("Arrived", _clock(entry["arrived_at_local"]))
    table.add_row("From", escape(entry["from"]))
    table.add_row("What", escape(entry["what"]))
    table.add_row("State", f"{_state(entry)}, tries: {entry['tries']}")
    table.add_row("Error", escape(entry["error"] or "–"))
    out.print(table)
    if entry["update"] is None:
        out.print("Its words have been erased.")
    else:
        out.print_json(json.dumps(entry["update"], ensure_ascii=False))


@_inbox.command()
def retry(
    number: NumberOrAll = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
    config: ConfigOption = None,
) -> None:
    """Put what is parked back in line; a bot that runs takes it within seconds."""
    done = _change(config, number, everything, _put_back)
    out.print(f"Back in line: {done}." if done else "Nothing is parked.")


@_inbox.command()
def drop(
    number: NumberOrAll = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erase the words of what could not be handled and mark it as done: nobody will get an answer to it."""
    if (number is None) != everything:
        fail(_ONE_OF_THEM)
    if not yes:
        which = "everything that is parked" if everything else f"update {number}"
        typer.confirm(f"Erase the words of {which}, unanswered? This cannot be undone", abort=True)
    done = _change(config, number, everything, _drop)
    out.print(f"Dropped: {done}. What was written is erased." if done else "Nothing is parked.")


# --- in the database -------------------------------------------------------------------------------------

_ONE_OF_THEM = "Name one update by its number, or all that are parked by --all (one of the two)."


def _change(
    config: Path | None, number: int | None, everything: bool, step: Callable[[Session, int | None], int]
) -> int:
    if (number is None) != everything:
        fail(_ONE_OF_THEM)
    with in_plain_words():
        settings = settings_from(config)
        with desk.database_of(settings) as database:
            done = database.call(step, number)
            database.compact()
            return done


def _put_back(session: Session, number: int | None) -> int:
    if number is None:
        return inbox.retry_parked(session, _parked(session))
    row = _found(session, number)
    if row.state != InboxState.PARKED:
        raise desk.NotFound(f"Update {number} is not parked: {_standing(row)}.")
    return inbox.retry_parked(session, [number])


def _drop(session: Session, number: int | None) -> int:
    if number is None:
        return inbox.drop(session, _parked(session), wiring.system_now())
    row = _found(session, number)
    if row.state == InboxState.DONE or (row.state == InboxState.WAITING and row.error is None):
        raise desk.NotFound(f"Update {number} has not failed: {_standing(row)}.")
    return inbox.drop(session, [number], wiring.system_now())


def _parked(session: Session) -> list[int]:
    return [row.update_id for row in inbox.in_trouble(session) if row.state == InboxState.PARKED]


def _found(session: Session, number: int) -> InboxRow:
    row = inbox.by_id(session, number)
    if row is None:
        raise desk.NotFound(f"There is no update with the number {number}. See: aftercare inbox")
    return row


def _standing(row: InboxRow) -> str:
    if row.state == InboxState.DONE:
        return "it has been handled"
    return "it waits to be handled" if row.error is None else "it waits for another try"


def _looked_at(session: Session, number: int, zone: ZoneInfo, words: bool) -> dict[str, Any]:
    row = _found(session, number)
    return {**_as_dict(session, row, zone), "update": row.payload if words else _shape(row.payload)}


# --- as plain values -------------------------------------------------------------------------------------


def _as_dict(session: Session, row: InboxRow, zone: ZoneInfo) -> dict[str, Any]:
    """Return an update without its words; moments are ISO 8601 in UTC, and local where it says so."""
    return {
        "number": row.update_id,
        "arrived_at": row.received_at.isoformat(),
        "arrived_at_local": row.received_at.astimezone(zone).isoformat(),
        "from": _who(session, row.chat_id),
        "what": glance(row.update_id, row.payload).kind,
        "state": row.state,
        "tries": row.attempts,
        "again_at": row.try_at.isoformat() if row.try_at else None,
        "again_at_local": row.try_at.astimezone(zone).isoformat() if row.try_at else None,
        "error": row.error,
    }


def _who(session: Session, chat_id: int | None) -> str:
    """Write whose chat it is, without a name: a patient's label, else of which kind."""
    if chat_id is None:
        return "no chat"
    patient = patients.by_chat(session, chat_id)
    if patient is not None:
        treatment = treatments.newest_of(session, patient.id)
        return treatment.label if treatment else "patient"
    group = groups.by_chat(session, chat_id)
    if group is not None:
        return f"staff group of {group.branch_id}"
    return "group" if chat_id < 0 else "stranger"


def _shape(value: object) -> object:
    """Return what a raw update is made of, without what stands in it: enough to see why it could not be read."""
    match value:
        case dict():
            return {key: _shape(inner) for key, inner in value.items()}
        case list():
            return [_shape(inner) for inner in value]
        case str():
            return f"text of {len(value)}"
        case bool() | None:
            return value
        case _:
            return "number"


def _state(entry: dict[str, Any]) -> str:
    again = entry["again_at_local"]
    if entry["state"] == InboxState.WAITING and again:
        return f"again {datetime.fromisoformat(again):%H:%M:%S}"
    return f"[yellow]{entry['state']}[/]" if entry["state"] == InboxState.PARKED else str(entry["state"])


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%a %d %b %H:%M:%S}"
