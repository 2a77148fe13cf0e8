"""A rehearsal: the clinic's own plan and words over 72 hours, in a few seconds, printed as it happens and checked."""

from __future__ import annotations

from datetime import datetime, timedelta

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from bot import demo
from bot.content.settings import Settings
from bot.domain.patient import CheckInState
from bot.domain.timing import from_local, local_time
from bot.learning import load_minds, load_words
from bot.sandbox.clock import SandboxClock
from bot.sandbox.model import Chat, Message, Person
from bot.storage import overview
from bot.storage.inbox import InboxState
from bot.storage.outbox import OutboxState

#: A Thursday afternoon: nights and opening hours come into play on the days after.
BEGINS = datetime(2026, 11, 19, 15, 0)  # noqa: DTZ001 (wall-clock time, in the clinic's zone)
HOURS = 72
#: What Ben writes; TRIAGE's first red flag, in a patient's own words.
DANGER = "hurts when i breathe in since this morning, left side where the needle was"


async def play(settings: Settings, out: Console) -> list[str]:
    """Play the whole rehearsal and return what did not go as it must (nothing, if all is well)."""
    library = load_words(settings)
    zone = settings.zone(None)
    clock = SandboxClock(from_local(BEGINS, zone), frozen=True)
    async with demo.on_stage(
        settings,
        clock=clock,
        library=library,
        minds=load_minds(settings, library),
        cast=True,
    ) as stage:
        return await _Play(stage, settings, out).acts()


class _Play:
    """The people of the rehearsal and what they do."""

    def __init__(self, stage: demo.Stage, settings: Settings, out: Console) -> None:
        people = list(stage.sandbox.world.people.values())
        self.stage, self.settings, self.out = stage, settings, out
        self.ana = next(person for person in people if person.first_name == "Ana")
        self.ben = next(person for person in people if person.first_name == "Ben")
        self.mei = next(person for person in people if person.first_name.startswith("Mei"))
        self.group = demo.staff_group(stage)
        self.names = {self.ana.id: "Ana", self.ben.id: "Ben", self.group.id: "Staff group"}
        self.colours = {self.ana.id: "cyan", self.ben.id: "magenta", self.group.id: "yellow"}
        self.shown: dict[int, dict[int, str]] = {}
        self.zone = settings.zone(None)
        self.problems: list[str] = []

    async def acts(self) -> list[str]:
        """Play act after act; afterwards, look whether everything is as it must be."""
        self._title(f"{self.settings.clinic.name}: a rehearsal of {HOURS} hours")
        begin = self.stage.clock.now()
        await self.stage.bind(self.group)
        self._show()
        regions = list(self.stage.tools.library.plans.regions)
        near = "upper_back" if "upper_back" in regions else regions[0]
        far = "lower_back" if "lower_back" in regions else regions[-1]
        await self._enrols(self.ana, "A1023", far)
        await self._enrols(self.ben, "B0417", near)
        await self._says(self.ana, "does it hurt?")
        await self._says(self.ana, "how is it different from acupuncture?")
        await self._until(begin + timedelta(hours=8))
        self._title("A night")
        await self._until(begin + timedelta(hours=14))
        self._title("The bot is stopped and started again")
        await self.stage.restart()
        await self._until(begin + timedelta(hours=23))
        self._title("A red flag")
        await self._danger()
        await self._until(begin + timedelta(hours=HOURS))
        await self._look()
        return self.problems

    async def _enrols(self, person: Person, label: str, region: str) -> None:
        name = self.stage.tools.library.language(None).regions[region]
        await self._says(self.mei, f"/treated {label}", self.group)
        for button in ("d:*:ago:0", f"d:*:region:{region}", "d:*:regions_done", "d:*:plan:*"):
            await self._taps(self.mei, self.group, button)
        link = next((m.text for m in reversed(self.group.messages) if "?start=" in m.text), "")
        code = link.partition("?start=")[2].split()[0] if link else ""
        if not code:
            self.problems.append(f"registering {label} ({name}) gave no link")
            return
        self.stage.sandbox.opens_link(person, code)
        await self._settle()
        await self._taps(person, self.stage.sandbox.chat(person), f"agree:{code}")

    async def _danger(self) -> None:
        """Ben writes of danger; staff are slow, then answer; Ana notices nothing of it."""
        await self._says(self.ben, DANGER)
        chat = self.stage.sandbox.chat(self.ben)
        number = self.settings.clinic.emergency_number
        after = [m for m in chat.messages if m.by_bot][-1]
        if number not in after.text:
            self.problems.append("the first message after a red flag did not name the emergency number")
        if not self._alerts():
            self.problems.append("the staff group has no alert after a red flag")
            return
        before = len(self._alerts())
        wait = self.settings.alerts
        await self.stage.later(minutes=max(wait.emergency_again_minutes, wait.tell_patient_after_minutes) + 1)
        self._show()
        if len(self._alerts()) <= before:
            self.problems.append("an alert nobody acknowledged was not raised again")
        alert = self._alerts()[-1]
        await self._taps(self.mei, self.group, "al:*:ack")
        await self._says(self.mei, "Ben, please go to A&E now. I am calling you.", self.group, reply_to=alert)
        if not any("I am calling you" in m.text for m in chat.messages if m.by_bot):
            self.problems.append("a staff member's reply did not reach the patient")
        await self._taps(self.mei, self.group, "al:*:close")
        await self._taps(self.mei, self.group, "al:*:o:emergency")

    async def _until(self, moment: datetime) -> None:
        """Let time pass, and let both patients answer each check-in soon after it comes."""
        while self.stage.clock.now() < moment:
            due = await self.stage.next_moment()
            step = min(due, moment) if due is not None and due > self.stage.clock.now() else moment
            await self.stage.later(seconds=(step - self.stage.clock.now()).total_seconds())
            self._show()
            for person in (self.ana, self.ben):
                await self._answers(person)

    async def _answers(self, person: Person) -> None:
        """Answer an open check-in: each question with its first answer that is no red flag."""
        chat = self.stage.sandbox.chat(person)
        for _ in range(12):
            waiting = [m for m in chat.messages if m.by_bot and self._answer_in(m) is not None]
            if not waiting:
                return
            now = local_time(self.stage.clock.now(), self.zone).time()
            quiet = self.settings.quiet_hours
            if quiet.start > quiet.end and (now >= quiet.start or now < quiet.end) and not person.blocked:
                self.problems.append(f"{person.first_name} was asked at {now:%H:%M}, in the night")
            await self._taps(person, chat, self._answer_in(waiting[-1]) or "")

    def _answer_in(self, message: Message) -> str | None:
        """Return the data of the button that answers a check-in's question, if this message asks one."""
        questions = self.stage.tools.library.plans.questions
        for row in message.rows:
            for button in row:
                parts = str(button.get("callback_data", "")).split(":")
                if parts[0] != "ci" or len(parts) < 3:
                    continue
                if parts[2] == "start":
                    return ":".join(parts)
                question = questions.get(parts[2])
                if question and len(parts) == 4 and question.option_for(parts[3]).red_flag is None:
                    return ":".join(parts)
        return None

    async def _look(self) -> None:
        """Look whether every check-in was answered and nothing is stuck."""
        database = self.stage.tools.database
        for row in await database.run(overview.check_ins_of_all):
            if row.state != CheckInState.ANSWERED:
                self.problems.append(
                    f"check-in {row.step} of {row.treatment.label} is {row.state}, not answered"
                )
        stuck = await database.run(overview.states)
        for state in (InboxState.WAITING, InboxState.PARKED):
            if stuck.inbox.get(state):
                self.problems.append(f"{stuck.inbox[state]} updates are {state}")
        for out_state in (OutboxState.QUEUED, OutboxState.REFUSED, OutboxState.UNKNOWN, OutboxState.EXPIRED):
            if stuck.outbox.get(out_state):
                self.problems.append(f"{stuck.outbox[out_state]} messages are {out_state}")
        self._title(
            f"{stuck.outbox.get(OutboxState.SENT, 0)} messages sent, {stuck.inbox.get(InboxState.DONE, 0)} updates handled, "
            + ("everything as it must be" if not self.problems else f"{len(self.problems)} problems")
        )

    # --- hands and eyes ----------------------------------------------------------------------------------

    async def _says(
        self, person: Person, text: str, chat: Chat | None = None, reply_to: Message | None = None
    ) -> None:
        self.stage.sandbox.says(person, text, chat=chat, reply_to=reply_to)
        await self._settle()

    async def _taps(self, person: Person, chat: Chat, data: str) -> None:
        """Tap the newest button whose data fits; ``*`` stands for any one part."""
        wanted = data.split(":")
        for message in reversed(chat.messages):
            for row in message.rows:
                for button in row:
                    have = str(button.get("callback_data", "")).split(":")
                    fits = len(have) == len(wanted) and all(
                        a in ("*", b) for a, b in zip(wanted, have, strict=True)
                    )
                    if fits:
                        self.stage.sandbox.presses_data(person, message, ":".join(have))
                        self._line(chat, person.first_name, f"[tap] {button['text']}")
                        await self._settle()
                        return
        self.problems.append(f"{person.first_name} found no button for {data} in {self.names[chat.id]}")

    def _alerts(self) -> list[Message]:
        return [m for m in self.group.messages if m.by_bot and DANGER in m.text]

    async def _settle(self) -> None:
        await self.stage.settle()
        self._show()

    def _show(self) -> None:
        """Print what is new or changed in every chat."""
        for person_or_group, name in self.names.items():
            chat = self.stage.sandbox.world.chats.get(person_or_group)
            if chat is None:
                continue
            seen = self.shown.setdefault(chat.id, {})
            for message in chat.messages:
                if seen.get(message.id) != message.text:
                    changed = message.id in seen
                    seen[message.id] = message.text
                    sender = (
                        "bot" if message.by_bot else (message.sender.first_name if message.sender else name)
                    )
                    words = message.text or ("(" + ", ".join(f.name for f in message.files[-1:]) + ")")
                    labels = "  ".join(f"‹{label}›" for label in message.buttons)
                    self._line(chat, sender + (" (edits)" if changed else ""), f"{words}\n{labels}".strip())

    def _line(self, chat: Chat, who: str, text: str) -> None:
        at = f"{local_time(self.stage.clock.now(), self.zone):%a %H:%M}"
        colour = self.colours[chat.id]
        self.out.print(f"[dim]{at}[/] [{colour}]{self.names[chat.id]}[/] [bold]{escape(who)}[/]")
        self.out.print(escape("\n".join(f"    {line}" for line in text.splitlines())), soft_wrap=True)

    def _title(self, text: str) -> None:
        self.out.print(Panel(escape(text), expand=False))
