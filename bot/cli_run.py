"""The commands that set up and run: write the settings, run the bot, try everything in a sandbox, rehearse."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from bot import demo, desk, logs, rehearsal, wiring
from bot.content.settings import TOKEN, Settings
from bot.learning import load_minds, load_words
from bot.service import serve_staff
from bot.storage import groups
from bot.storage.database import DatabaseAway, Session
from bot.terminal import ConfigOption, err, fail, in_plain_words, out, settings_from

app = typer.Typer()


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
        fail(f"{path} is there already. Edit it, or write over it with --force.")
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
    with in_plain_words():
        desk.write_config(path, answers)
    out.print(
        f"Wrote [bold]{escape(str(path))}[/]. Now set the opening hours in it, then run: aftercare check"
    )


# --- running ---------------------------------------------------------------------------------------------


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the bot until it is stopped (Ctrl-C or SIGTERM). The token comes from TELEGRAM_BOT_TOKEN."""
    with in_plain_words():
        settings = settings_from(config)
        token = os.environ.get(TOKEN, "")
        if not token:
            fail(f"{TOKEN} is not set. Get a token from @BotFather, then: export {TOKEN}=…")
        logs.set_up(settings.logs)
        with err.status("Reading the words and opening the database…"):
            tools = wiring.build_tools(settings)
        try:
            asyncio.run(_run(tools, token))
        finally:
            tools.database.close()


async def _run(tools: Any, token: str) -> None:
    bot = wiring.build_app(tools, token)
    wiring.spare_the_collector()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, bot.end)
    await bot.start()
    # One that stands by would make the codes of the other worthless.
    offer = asyncio.create_task(_offer_setup_codes(tools)) if bot.is_on_duty else None
    try:
        await bot.wait()
    finally:
        if offer is not None:
            offer.cancel()
        await bot.stop()


async def _offer_setup_codes(tools: Any) -> None:
    """Print how a staff group is bound, for each branch that has none; nothing waits for it, not even a database away."""
    for branch in tools.settings.clinic.branches:
        try:
            code = await tools.database.run(_code_if_needed, tools, branch.id)
        except DatabaseAway:
            return  # the next start offers it again
        if code is not None:
            out.print(
                f"[bold]{escape(branch.name)}[/] has no staff group yet. Add the bot to the group and send there: "
                f"[bold]/setup {code}[/] (works once, for 24 hours)",
                soft_wrap=True,
            )


def _code_if_needed(session: Session, tools: Any, branch_id: str) -> str | None:
    if groups.of_branch(session, branch_id) is not None:
        return None
    return serve_staff.new_setup_code(session, tools, branch_id, wiring.system_now())


@app.command()
def sandbox(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(help="The page's port on this machine.")] = 8090,
) -> None:
    """Try everything on this machine: the real bot, a phone for each patient, the staff group, a clock to turn.

    Needs no token and no internet. Without settings of your own, those of an example clinic are used.
    Nothing is kept when it ends.
    """
    with in_plain_words():
        settings = settings_from(config, example_will_do=True)
        logs.set_up(settings.logs)
        try:
            asyncio.run(_sandbox(settings, port))
        except OSError as error:
            fail(
                f"Port {port} cannot be used ({error.strerror}). Choose another one: aftercare sandbox --port 8091"
            )


async def _sandbox(settings: Settings, port: int) -> None:
    with err.status("Reading the words…"):
        library = load_words(settings)
        minds = load_minds(settings, library)
    async with demo.on_stage(settings, library=library, minds=minds, port=port, cast=True) as stage:
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
    with in_plain_words():
        settings = settings_from(config, example_will_do=True)
        problems = asyncio.run(rehearsal.play(settings, out))
        for problem in problems:
            err.print(f"[bold red]✗[/] {escape(problem)}", soft_wrap=True)
        if problems:
            raise typer.Exit(1)
