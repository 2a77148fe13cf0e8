"""The command `aftercare`: each command reads its files, says in one sentence what is wrong, or does its work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot import demo, desk, logs, rehearsal, wiring
from bot.chat.app import CannotRun
from bot.chat.introduce import user_name
from bot.content.loading import load_library
from bot.content.settings import Settings, load_settings
from bot.content.yaml_source import Faults
from bot.service import enrol, serve_staff
from bot.service.enrol import BOT_NAME, NotRegistered
from bot.storage import groups
from bot.storage.database import Database, DatabaseUnusable
from bot.storage.overview import upcoming

app = typer.Typer(
    name="aftercare",
    help="A Telegram bot that looks after patients after dry needling, and the tools of their clinic.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
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


def main() -> None:
    """Run the command line; every known trouble becomes one clear sentence and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@contextlib.contextmanager
def _in_plain_words() -> Iterator[None]:
    """Turn the troubles we know into a sentence without a traceback."""
    try:
        yield
    except Faults as faults:
        for fault in faults.faults:
            err.print(escape(str(fault)), soft_wrap=True)
        _fail(f"{len(faults.faults)} fault{'s' * (len(faults.faults) > 1)} to mend.")
    except (DatabaseUnusable, CannotRun, NotRegistered, desk.NotFound) as trouble:
        _fail(logs.scrub(str(trouble)))


def _fail(sentence: str) -> NoReturn:
    err.print(f"[bold red]aftercare:[/] {escape(sentence)}", soft_wrap=True)
    raise typer.Exit(1)


def _settings(config: Path | None, *, example_will_do: bool = False) -> Settings:
    """Load the settings that were named, else ./config.yaml, else (for trying things out) the example."""
    path = config or Path("config.yaml")
    if config is None and not path.exists():
        if not example_will_do:
            _fail("There is no config.yaml here. Make one with: aftercare init (or name it with --config).")
        path = desk.example_config()
    return load_settings(path)


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database.url)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


# --- setting up ------------------------------------------------------------------------------------------


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("config.yaml"),
    name: Annotated[str | None, typer.Option(help="The clinic's name.")] = None,
    phone: Annotated[str | None, typer.Option(help="The number patients call.")] = None,
    address: Annotated[str | None, typer.Option(help="The address of its (first) branch.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Such as Asia/Singapore.")] = None,
    emergency_number: Annotated[str | None, typer.Option(help="Whom a patient in danger calls.")] = None,
    crisis_line: Annotated[str | None, typer.Option(help="Whom a patient who wants to die can call.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write a commented [bold]config.yaml[/bold]; what is not given as an option is asked for."""
    if path.exists() and not force:
        _fail(f"{path} is there already. Edit it, or write over it with --force.")
    given = {
        "name": name,
        "phone": phone,
        "address": address,
        "time_zone": time_zone,
        "emergency_number": emergency_number,
        "crisis_line": crisis_line,
    }
    questions = {
        "name": ("The clinic's name", None),
        "phone": ("The phone number patients call", None),
        "address": ("Its address", None),
        "time_zone": ("Its time zone", "Asia/Singapore"),
        "emergency_number": ("The emergency number", "995"),
        "crisis_line": ("The crisis line", "SOS 1767"),
    }
    answers = {
        key: given[key] if given[key] is not None else typer.prompt(question, default=default)
        for key, (question, default) in questions.items()
    }
    with _in_plain_words():
        desk.write_config(path, answers)
    out.print(
        f"Wrote [bold]{escape(str(path))}[/]. Now set the opening hours in it, then run: aftercare check"
    )


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check settings and content: every fault with its file, line and cure. Exits with 1 if there is one."""
    with _in_plain_words(), err.status("Reading settings and words…"):
        settings = _settings(config)
        library = load_library(settings)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for language in library.languages.values():
        phrasings = sum(len(topic.asks) for topic in language.topics.values())
        table.add_row(
            language.name,
            f"{len(language.topics)} topics, {phrasings} phrasings, {len(language.red_flags)} red flags",
        )
    for plan in library.plans.plans.values():
        table.add_row(f"plan {plan.id}", ", ".join(f"{step.hours} h" for step in plan.steps))
    out.print(table)
    out.print(f"[green]✓[/] Settings and content of {escape(settings.clinic.name)} are in order.")
    if not os.environ.get(wiring.TOKEN):
        out.print(f"[yellow]Note:[/] {wiring.TOKEN} is not set; `aftercare run` needs it (from @BotFather).")


# --- running ---------------------------------------------------------------------------------------------


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the bot until it is stopped (Ctrl-C or SIGTERM). The token comes from TELEGRAM_BOT_TOKEN."""
    with _in_plain_words():
        settings = _settings(config)
        token = os.environ.get(wiring.TOKEN, "")
        if not token:
            _fail(f"{wiring.TOKEN} is not set. Get a token from @BotFather, then: export {wiring.TOKEN}=…")
        logs.set_up(settings.logs)
        with err.status("Reading the words and opening the database…"):
            tools = wiring.build_tools(settings)
        try:
            asyncio.run(_run(tools, token))
        finally:
            tools.database.close()


async def _run(tools: Any, token: str) -> None:
    bot = wiring.build_app(tools, token)
    await bot.start()
    try:
        for branch in tools.settings.clinic.branches:
            if await tools.database.run(groups.of_branch, branch.id) is None:
                code = await tools.database.run(
                    serve_staff.new_setup_code, tools, branch.id, wiring.system_now()
                )
                out.print(
                    f"[bold]{escape(branch.name)}[/] has no staff group yet. Add the bot to the group and send there: "
                    f"[bold]/setup {code}[/] (works once, for 24 hours)",
                    soft_wrap=True,
                )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, bot.end)
        await bot.wait()
    finally:
        await bot.stop()


@app.command()
def sandbox(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(help="The page's port on this machine.")] = 8090,
) -> None:
    """Try everything on this machine: the real bot, a phone for each patient, the staff group, a clock to turn.

    Needs no token and no internet. Without settings of your own, those of an example clinic are used.
    Nothing is kept when it ends.
    """
    with _in_plain_words():
        settings = _settings(config, example_will_do=True)
        logs.set_up(settings.logs)
        try:
            asyncio.run(_sandbox(settings, port))
        except OSError as error:
            _fail(
                f"Port {port} cannot be used ({error.strerror}). Choose another one: aftercare sandbox --port 8091"
            )


async def _sandbox(settings: Settings, port: int) -> None:
    with err.status("Reading the words…"):
        library = load_library(settings)
        matchers = wiring.matchers_for(library)
    async with demo.on_stage(settings, library=library, matchers=matchers, port=port, cast=True) as stage:
        await stage.bind(demo.staff_group(stage))
        out.print(f"\n  The sandbox is open: [bold]{stage.url}[/]   (Ctrl-C ends it)\n")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stage.app.end)
        await stage.app.wait()


@app.command()
def rehearse(config: ConfigOption = None) -> None:
    """Play your own plan and words over 72 hours, in a few seconds: two patients, a red flag, a night, a restart.

    Prints the conversation, and exits with 1 if anything did not go as it must.
    """
    with _in_plain_words():
        settings = _settings(config, example_will_do=True)
        problems = asyncio.run(rehearsal.play(settings, out))
        for problem in problems:
            err.print(f"[bold red]✗[/] {escape(problem)}", soft_wrap=True)
        if problems:
            raise typer.Exit(1)


# --- asking ----------------------------------------------------------------------------------------------


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help='What a patient might type, such as "can gym tmr?".')],
    config: ConfigOption = None,
    language: Annotated[str | None, typer.Option(help="The language to answer in.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the bot as a patient would, and see what it makes of it. Nothing is stored."""
    with _in_plain_words():
        settings = _settings(config, example_will_do=True)
        with err.status("Reading the words…"):
            reply = desk.ask(settings, text, language)
    if as_json:
        out.print_json(json.dumps(reply.as_dict(), ensure_ascii=False))
        return
    out.print(f"[bold]{escape(reply.heading)}[/]", soft_wrap=True)
    if reply.said:
        out.print(escape(reply.said), soft_wrap=True)
    for line in reply.why:
        out.print(f"[dim]{escape(line)}[/]", soft_wrap=True)


# --- treatments ------------------------------------------------------------------------------------------


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
    with _in_plain_words():
        settings = _settings(config)
        moment = desk.read_moment(treated_at, settings.zone(branch))
        with _database(settings) as database:
            tools = desk.tools_for_lists(settings, database)
            if database.call(groups.note, BOT_NAME) is None and (token := os.environ.get(wiring.TOKEN)):
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
    with _in_plain_words():
        settings = _settings(config)
        with _database(settings) as database:
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
        _fail("Name the patient by --label or by --chat (one of them).")
    with _in_plain_words():
        settings = _settings(config)
        with _database(settings) as database:
            return database.call(step, label, chat)
