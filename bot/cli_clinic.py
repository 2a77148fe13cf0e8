"""The clinic's commands: register a treatment, list what is due, export or erase a patient's data."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from bot import desk, wiring
from bot.chat.introduce import user_name
from bot.content.settings import TOKEN
from bot.service import enrol
from bot.service.enrol import BOT_NAME
from bot.storage import groups
from bot.storage.overview import upcoming
from bot.terminal import ConfigOption, JsonOption, err, fail, in_plain_words, out, settings_from

app = typer.Typer()


@app.command()
def invite(
    label: Annotated[str, typer.Option(help="Your own label for the patient, such as A1023. No names.")],
    treated_at: Annotated[
        str, typer.Option(help="When it ended, in the branch's time: 2026-11-20T15:00. Past is fine.")
    ],
    region: Annotated[
        list[str],
        typer.Option(help="Where the needles were, such as upper_back; may be given several times."),
    ],
    plan: Annotated[
        str | None, typer.Option(help="The plan. Default: the one that fits the regions.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="The branch. Default: the first one.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a treatment: prints the link, the code, and when each check-in is due."""
    with in_plain_words():
        settings = settings_from(config)
        moment = desk.read_moment(treated_at, settings.zone(branch))
        with desk.database_of(settings) as database:
            tools = desk.tools_for_lists(settings, database)
            if database.call(groups.note, BOT_NAME) is None and (token := os.environ.get(TOKEN)):
                name = asyncio.run(user_name(token, settings.telegram.api_url))
                if name:
                    database.call(groups.write_note, BOT_NAME, name)
            done = database.call(
                enrol.register,
                tools,
                wiring.system_now(),
                label=label,
                treated_at=moment,
                regions=region,
                plan=plan,
                branch_id=branch,
                by="command line",
            )
    zone = settings.zone(done.treatment.branch_id)
    if as_json:
        out.print_json(json.dumps(desk.registered_as_dict(done, zone), ensure_ascii=False))
        return
    out.print(f"[bold]{escape(done.treatment.label)}[/] is registered, plan {done.treatment.plan}.")
    if done.link:
        out.print(f"Link:  {done.link}", soft_wrap=True)
    else:
        out.print(
            "Link:  not known until the bot has run once (or TELEGRAM_BOT_TOKEN is set); the code works in any case."
        )
    out.print(f"Code:  {done.code}")
    out.print(f"Works once, until {done.expires_at.astimezone(zone):%a %d %b %H:%M}.")
    for row in done.check_ins:
        out.print(f"  {row.step:>4}  {row.due_at.astimezone(zone):%a %d %b %H:%M}")
    if not done.check_ins:
        out.print("All check-ins of this plan are over already.")


@app.command()
def due(
    hours: Annotated[int, typer.Option(min=1, max=24 * 14, help="How far to look ahead.")] = 72,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the check-ins that are still to be sent, in the order in which they are due."""
    with in_plain_words():
        settings = settings_from(config)
        with desk.database_of(settings) as database:
            until = wiring.system_now() + timedelta(hours=hours)
            rows = database.call(upcoming, until)
            listed = [desk.due_as_dict(row, settings.zone(row.treatment.branch_id)) for row in rows]
    if as_json:
        out.print_json(json.dumps(listed, ensure_ascii=False))
        return
    if not listed:
        out.print(f"Nothing is due in the next {hours} hours.")
        return
    table = Table("Label", "Check-in", "Due", "Invitation", box=None, padding=(0, 2, 0, 0))
    for entry in listed:
        local = datetime.fromisoformat(entry["due_at_local"])
        table.add_row(
            escape(entry["label"]),
            entry["step"],
            f"{local:%a %d %b %H:%M}",
            "accepted" if entry["accepted"] else "[yellow]not accepted[/]",
        )
    out.print(table)


# --- a patient's data ------------------------------------------------------------------------------------

LabelOption = Annotated[str | None, typer.Option(help="The label of one of the patient's treatments.")]
ChatOption = Annotated[int | None, typer.Option(help="The patient's Telegram chat id.")]


@app.command()
def export(
    label: LabelOption = None,
    chat: ChatOption = None,
    to: Annotated[Path | None, typer.Option(help="Write to this file instead of printing.")] = None,
    config: ConfigOption = None,
) -> None:
    """Export everything that is stored about one patient, as JSON (times in UTC)."""
    data = _with_patient(config, label, chat, desk.export)
    written = json.dumps(data, ensure_ascii=False, indent=2)
    if to is None:
        typer.echo(written)
        return
    to.write_text(written + "\n", encoding="utf-8")
    to.chmod(0o600)
    err.print(f"Wrote {escape(str(to))} (only you can read it).")


@app.command()
def erase(
    label: LabelOption = None,
    chat: ChatOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erase everything that is stored about one patient, and say what remains."""
    if not yes:
        typer.confirm("Erase everything about this patient? This cannot be undone", abort=True)
    out.print(_with_patient(config, label, chat, desk.erase), soft_wrap=True)


def _with_patient(config: Path | None, label: str | None, chat: int | None, step: Callable[..., Any]) -> Any:
    if (label is None) == (chat is None):
        fail("Name the patient by --label or by --chat (one of them).")
    with in_plain_words():
        settings = settings_from(config)
        with desk.database_of(settings) as database:
            result = database.call(step, label, chat)
            database.compact()
            return result
