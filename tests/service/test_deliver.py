"""Tests of delivery: each answer recorded once, in order, paced, and nothing sent more often than allowed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.message import Kind, Outgoing, Priority
from bot.domain.pacing import CATCH_UP, UNEVEN, Pacer
from bot.service import deliver, outcome
from bot.service.deliver import AT_A_TIME, AT_ONCE, AT_RISK, LEAD, SOON, Delivery, Step
from bot.service.line_state import ALONE_PAUSES, OUTAGE_PAUSES
from bot.service.outcome import PAUSE_OF_DOUBT, PAUSES
from bot.service.ports import Gone, Moved, Outcome, Refused, Sent, Tools, TryLater, Unknown
from bot.storage import claims, groups, outbox, overview
from bot.storage.database import DatabaseAway, Session
from bot.storage.lease import LeaseLost
from bot.storage.outbox import OutboxState, Purpose
from bot.storage.tables import OutboxRow
from tests.kit.messenger import RecordingMessenger
from tests.kit.story import ANA, BEN, EVA, GROUP, UNHURRIED, Story

DOWN = TryLater(reason="ConnectError", everyone=True)
BROKEN = TryLater(reason="502")
LOST = Unknown(reason="lost")


@dataclass
class Gate(RecordingMessenger):
    """A messenger whose messages to some chats wait until they are let through, as over a slow network."""

    shut: dict[int, asyncio.Event] = field(default_factory=dict)
    #: What every message is answered, if anything.
    always: Outcome | None = None
    under_way: int = 0
    most: int = 0
    #: While it is there, a question hangs.
    pondering: asyncio.Event | None = None
    #: What a question meets, if anything: a fault of ours.
    fault: Exception | None = None

    async def is_there(self) -> bool:
        """Hang, fail or answer."""
        there = await super().is_there()
        if self.pondering is not None:
            await self.pondering.wait()
        if self.fault is not None:
            raise self.fault
        return there

    async def send(self, chat_id: int, outgoing: Outgoing, message_id: int | None) -> Outcome:
        """Wait at the gate, then answer."""
        if chat_id in self.shut:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                await self.shut[chat_id].wait()
            finally:
                self.under_way -= 1
        return self.always or await super().send(chat_id, outgoing, message_id)

    def shuts(self, *chats: int) -> None:
        """Let messages to these chats hang."""
        self.shut |= {chat: asyncio.Event() for chat in chats}

    def opens(self) -> None:
        """Let everything through."""
        for event in self.shut.values():
            event.set()
        self.shut.clear()


@dataclass
class Exit:
    """A delivery at work in a story, with its two clocks turned by hand."""

    story: Story
    gate: Gate = field(default_factory=Gate)
    pacer: Pacer = field(
        default_factory=lambda: Pacer(UNHURRIED, burst=UNHURRIED, per_group_minute=UNHURRIED)
    )
    seconds: float = 5000.0
    tools: Tools | None = None
    on_duty: Callable[[Session], None] = lambda session: None
    work: Delivery = field(init=False)

    def __post_init__(self) -> None:
        self.work = Delivery(
            self.tools or self.story.tools,
            self.gate,
            self.pacer,
            now=lambda: self.story.now,
            seconds=lambda: self.seconds,
            on_duty=self.on_duty,
        )

    async def step(self) -> Step:
        """Do one step, and let what it started be answered, unless it hangs at the gate."""
        step = await self.work.step()
        await self.calm()
        return step

    async def calm(self) -> None:
        """Wait until all that is on its way hangs at the gate: what was claimed a little ahead has left, too."""
        await asyncio.sleep(0)
        while len(self.work._on_their_way) > self.gate.under_way:  # noqa: ASYNC110 (it says nothing of it)
            await asyncio.sleep(0.001)

    async def opens(self) -> None:
        """Let what hangs be answered, and all that comes."""
        self.gate.opens()
        await asyncio.sleep(0)
        await self.calm()

    async def settle(self) -> Step:
        """Do all that can be done at this moment; return the last step."""
        while True:
            questions = self.gate.questions
            step = await self.step()
            if not step.started and not step.recorded and questions == self.gate.questions:
                return step

    async def runs(self, seconds: float) -> None:
        """Work as the loop does for so many seconds by the clock."""
        end = self.seconds + seconds
        while self.seconds < end:
            step = await self.step()
            self.later(min(0.05, LEAD + (step.wait or 0.05)))

    def later(self, seconds: float) -> None:
        """Turn both clocks."""
        self.seconds += seconds
        self.story.now += timedelta(seconds=seconds)

    @property
    def sent(self) -> list[str]:
        """The texts that arrived, in order."""
        return [message.text for _chat, message in self.gate.order]

    @property
    def pause(self) -> float:
        """How long nothing may leave from now on."""
        return self.pacer.free_at(0, self.seconds) - self.seconds


@pytest.fixture
def exit_(story: Story) -> Exit:
    """The exit, unhurried."""
    return Exit(story)


def put(
    story: Story,
    chat: int,
    text: str,
    priority: Priority = Priority.REPLY,
    *,
    purpose: Purpose | None = None,
    useful_until: datetime | None = None,
) -> int:
    """Put a message in line and return its id."""
    return story.tools.database.call(
        outbox.add,
        chat,
        Outgoing(text=text),
        story.now,
        priority=priority,
        purpose=purpose,
        useful_until=useful_until,
    ).id


def put_many(story: Story, chats: range, priority: Priority, text: str = "check-in") -> None:
    """Put one message to each of many chats in line."""

    def add(session: Session) -> None:
        for chat in chats:
            outbox.add(session, chat, Outgoing(text=f"{text} {chat}"), story.now, priority=priority)

    story.tools.database.call(add)


def rows(story: Story) -> dict[int, OutboxRow]:
    """Return all messages by their id."""
    return {row.id: row for row in story.tools.database.call(lambda session: session.query(OutboxRow).all())}


def state(story: Story, row_id: int) -> str:
    """Return the state of a message."""
    return rows(story)[row_id].state


def count(story: Story, state: OutboxState) -> int:
    """Return how many messages are in a state."""
    return story.tools.database.call(overview.states).outbox.get(state, 0)


# --- each answer --------------------------------------------------------------------------------------------


async def test_a_failed_connection_is_tried_again_later_and_once_only(story: Story) -> None:
    """Nothing reached Telegram: wait, try again, arrive once."""
    story.messenger.outcomes[1] = [BROKEN, BROKEN]
    put(story, 1, "hello")
    await story.deliver()
    assert story.texts(1) == []
    for _ in range(3):
        story.now += timedelta(seconds=6)
        await story.deliver()

    assert story.texts(1) == ["hello"]


async def test_order_holds_within_a_chat_while_another_goes_on(exit_: Exit) -> None:
    """A message that waits for another try holds up its own chat only."""
    exit_.gate.outcomes[1] = [BROKEN]
    put(exit_.story, 1, "first")
    put(exit_.story, 1, "second")
    put(exit_.story, 2, "other")
    step = await exit_.settle()
    assert exit_.sent == ["other"]
    assert step.wait == pytest.approx(1, rel=0.25)  # a quarter more or less
    exit_.later(10)
    await exit_.settle()

    assert exit_.sent == ["other", "first", "second"]


async def test_a_message_of_unknown_fate_is_repeated_once_and_never_more(story: Story) -> None:
    """Promise 2: the answer was lost, so the message goes once more, and that is all."""
    story.messenger.outcomes[1] = [LOST, LOST, LOST]
    put(story, 1, "hello")
    for _ in range(5):
        await story.deliver()
        story.now += timedelta(minutes=5)

    assert len(story.messenger.outcomes[1]) == 1
    assert count(story, OutboxState.UNKNOWN) == 1


async def test_a_blocked_patient_is_marked_and_the_rest_cancelled(story: Story) -> None:
    """Gone: pending messages fall away, staff are told, others go on."""
    await story.binds()
    await story.enrols(ANA)
    story.messenger.outcomes[ANA.id] = [Gone(reason="Forbidden: bot was blocked by the user")]
    put(story, ANA.id, "one")
    put(story, ANA.id, "two")
    put(story, BEN.id, "other")
    await story.deliver()

    assert story.texts(BEN) == ["other"]
    assert "two" not in story.texts(ANA)
    assert "blocked the bot" in story.sees(GROUP).text


async def test_a_refused_message_is_parked_with_its_reason_and_staff_told(story: Story) -> None:
    """400: never tried for ever, and somebody knows."""
    await story.binds()
    await story.enrols(ANA)
    story.messenger.outcomes[ANA.id] = [Refused(reason="BadRequest: message is too long")]
    put(story, ANA.id, "one")
    await story.deliver()

    assert count(story, OutboxState.REFUSED) == 1
    assert "message is too long" in story.sees(GROUP).text


async def test_a_group_that_moved_is_followed(story: Story) -> None:
    """The alert arrives in the supergroup, and so does all that follows."""
    await story.binds()
    await story.enrols(ANA)
    story.messenger.outcomes[GROUP] = [Moved(chat_id=-1009)]
    await story.says(ANA, "my chest hurts when i breathe in")

    assert "EMERGENCY" in story.sees(-1009).text
    await story.staff(EVA, "Go to A&E.", reply_to=story.sees(-1009), chat_id=-1009)
    assert "Go to A&E." in story.sees(ANA).text


async def test_a_group_that_is_gone_is_forgotten_and_its_alerts_wait_for_the_next(story: Story) -> None:
    """An alert is not lost with the group."""
    await story.binds()
    await story.enrols(ANA)
    story.messenger.outcomes[GROUP] = [Gone(reason="Forbidden: bot was kicked")]
    await story.says(ANA, "my chest hurts when i breathe in")
    assert story.tools.database.call(groups.of_branch, "main") is None

    await story.binds(chat_id=-777)

    assert "EMERGENCY" in story.sees(-777, "EMERGENCY", last=0).text


async def test_what_is_out_of_date_is_not_sent(story: Story) -> None:
    """A message is given up when it no longer makes sense."""
    late = put(story, 1, "late", useful_until=story.now + timedelta(hours=1))
    story.now += timedelta(hours=1)
    put(story, 2, "other")
    story.now += timedelta(seconds=1)
    await story.deliver()
    assert (story.texts(1), story.texts(2)) == ([], ["other"])
    await story.rings()

    assert state(story, late) == OutboxState.EXPIRED


async def test_an_endless_failure_is_given_up_after_a_day(story: Story) -> None:
    """A message that nobody could send for 24 hours ends, with staff told."""
    await story.binds()
    await story.enrols(ANA)
    put(story, ANA.id, "one")
    for _ in range(30):
        story.messenger.outcomes[ANA.id] = [BROKEN]
        await story.rings()
        story.now += timedelta(minutes=50)

    assert "one" not in story.texts(ANA)
    assert count(story, OutboxState.EXPIRED) >= 1
    assert "could not be delivered" in story.sees(GROUP, "could not be delivered", last=0).text


async def test_an_edit_finds_the_message_that_was_recorded_with_its_claim(exit_: Exit) -> None:
    """The message arrives, and the next step records it and sends the edit of it."""
    kinds: tuple[Kind, ...] = ("text", "edit")
    for kind in kinds:
        outgoing = Outgoing(kind=kind, text=kind, slot="menu")
        exit_.story.tools.database.call(outbox.add, 1, outgoing, exit_.story.now)
    await exit_.settle()

    (shown,) = exit_.gate.chats[1]
    assert (shown.text, shown.edits) == ("edit", 1)


# --- how it flows -------------------------------------------------------------------------------------------


async def test_answers_are_recorded_with_the_next_claim(exit_: Exit, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction for both: until then the message counts as being on its way."""
    database, transactions = exit_.story.tools.database, []
    run = database.run

    async def counted(function: Any, *args: Any, **more: Any) -> Any:
        transactions.append(function)
        return await run(function, *args, **more)

    monkeypatch.setattr(database, "run", counted)
    first, second = put(exit_.story, 1, "first"), put(exit_.story, 1, "second")

    step = await exit_.step()
    assert (step.started, step.recorded, exit_.sent) == (1, 0, ["first"])
    assert state(exit_.story, first) == OutboxState.SENDING
    step = await exit_.step()

    assert (step.started, step.recorded, exit_.sent) == (1, 1, ["first", "second"])
    assert [state(exit_.story, id_) for id_ in (first, second)] == [OutboxState.SENT, OutboxState.SENDING]
    assert len(transactions) == 2


async def test_a_slow_answer_holds_up_its_own_chat_only(exit_: Exit) -> None:
    """Other chats get message after message meanwhile; not even danger overtakes in the slow one."""
    exit_.gate.shuts(1)
    for text in ("a", "b", "c"):
        put(exit_.story, 1, f"slow {text}")
        put(exit_.story, 2, f"quick {text}")
    await exit_.settle()
    put(exit_.story, 1, "danger", Priority.DANGER)
    await exit_.settle()
    assert exit_.sent == ["quick a", "quick b", "quick c"]

    await exit_.opens()
    await exit_.settle()

    assert exit_.sent[3:] == ["slow a", "danger", "slow b", "slow c"]


async def test_only_so_many_are_on_their_way_at_once(exit_: Exit) -> None:
    """As many as there are connections; an answer makes room for the next, and nothing is asked for meanwhile."""
    put_many(exit_.story, range(1, AT_ONCE + 11), Priority.REPLY)
    exit_.gate.shuts(*range(1, AT_ONCE + 11))
    step = await exit_.settle()
    assert (exit_.gate.most, count(exit_.story, OutboxState.SENDING)) == (AT_ONCE, AT_ONCE)
    assert step.wait is None

    exit_.gate.shut[5].set()
    await exit_.calm()
    assert (await exit_.step()).started == 1
    await exit_.opens()
    await exit_.settle()

    assert exit_.gate.most == AT_ONCE
    assert sorted(exit_.sent) == sorted(f"check-in {chat}" for chat in range(1, AT_ONCE + 11))


async def test_an_answer_ends_the_rest(exit_: Exit) -> None:
    """The loop goes on as soon as one has come, or when it is woken."""
    exit_.gate.shuts(1)
    put(exit_.story, 1, "hello")
    await exit_.step()
    resting = asyncio.create_task(exit_.work.rest(3600, asyncio.Event()))
    await asyncio.sleep(0)
    assert not resting.done()
    exit_.gate.opens()
    await asyncio.wait_for(resting, 10)

    woken = asyncio.Event()
    await exit_.step()
    resting = asyncio.create_task(exit_.work.rest(3600, woken))
    await asyncio.sleep(0.001)
    assert not resting.done()  # the answer has been recorded: it wakes nobody any more
    woken.set()
    await asyncio.wait_for(resting, 10)


async def test_an_answer_waits_for_a_step_that_is_near(exit_: Exit) -> None:
    """In full flow a step records what has been answered until then; but what is new in line does not wait."""
    put(exit_.story, 1, "hello")
    await exit_.step()  # and the answer has come
    woken = asyncio.Event()
    resting = asyncio.create_task(exit_.work.rest(SOON, woken))
    await asyncio.sleep(0.001)
    assert not resting.done()
    woken.set()
    await asyncio.wait_for(resting, 10)

    resting = asyncio.create_task(exit_.work.rest(2 * SOON, asyncio.Event()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert resting.done()


async def test_whoever_was_erased_on_the_way_stays_erased(exit_: Exit) -> None:
    """The answer comes after /forget: nothing of the message comes back, and nothing fails."""
    exit_.gate.shuts(1)
    row_id = put(exit_.story, 1, "hello")
    await exit_.step()
    exit_.story.tools.database.call(outbox.erase_chat, 1)
    await exit_.opens()

    assert (await exit_.step()).recorded == 1
    assert row_id not in rows(exit_.story)


async def test_what_was_said_to_a_stranger_leaves_no_trace(exit_: Exit) -> None:
    """Recorded together with others, each keeps its own rule."""
    stranger = put(exit_.story, 1, "a", purpose=Purpose.STRANGER)
    secret = put(exit_.story, 2, "b", purpose=Purpose.SECRET)
    plain = put(exit_.story, 3, "c", purpose=Purpose.CHECK_IN)
    await exit_.settle()

    found = rows(exit_.story)
    assert stranger not in found
    assert (found[secret].payload, found[secret].state) == (None, OutboxState.SENT)
    assert ((found[plain].payload or {})["text"], found[plain].state) == ("c", OutboxState.SENT)
    assert found[plain].message_id == exit_.gate.chats[3][0].id


# --- when the next step makes sense -------------------------------------------------------------------------


async def test_with_nothing_in_line_there_is_nothing_to_wait_for(exit_: Exit) -> None:
    """Only what happens makes another step useful."""
    assert await exit_.step() == Step(started=0, recorded=0, wait=None)


async def test_a_full_chat_is_waited_for(story: Story) -> None:
    """After a burst, until the chat may get more; then the next one leaves."""
    exit_ = Exit(story, pacer=Pacer())
    for number in range(5):
        put(story, 7, str(number))
    step = await exit_.settle()
    assert exit_.sent == ["0", "1", "2"]
    assert step.wait == pytest.approx(1, abs=2 * LEAD)  # danger might leave then

    exit_.later(2.9)
    await exit_.settle()
    assert len(exit_.sent) == 3
    exit_.later(0.1)
    await exit_.settle()
    assert exit_.sent == ["0", "1", "2", "3", "4"]


async def test_danger_passes_a_full_chat(story: Story) -> None:
    """The instruction leaves as soon as Telegram takes it, after a second: before the chat's next answer may."""
    exit_ = Exit(story, pacer=Pacer())
    for number in range(4):
        put(story, 7, str(number))
    await exit_.settle()
    put(story, 7, "call 995", Priority.DANGER)
    step = await exit_.settle()
    assert exit_.sent == ["0", "1", "2"]
    assert step.wait == pytest.approx(1, abs=0.01)
    exit_.later(1)
    await exit_.settle()

    assert exit_.sent == ["0", "1", "2", "call 995"]


async def test_a_group_that_has_had_its_minute_gets_no_alert_and_another_chat_is_not_silenced(
    story: Story,
) -> None:
    """Forty alerts at one moment: 20 a minute leave; an instruction to a patient meanwhile leaves at once."""
    exit_ = Exit(story, pacer=Pacer())
    for number in range(40):
        put(story, -7, f"alert {number}", Priority.DANGER)
    await exit_.runs(50)
    assert exit_.sent == [f"alert {number}" for number in range(20)]

    put(story, 8, "call 995", Priority.DANGER)
    await exit_.runs(0.1)
    assert exit_.sent[20:] == ["call 995"]

    await exit_.runs(70)
    assert len(exit_.sent) == 41


async def test_the_pace_is_waited_for(story: Story) -> None:
    """Thirty at once, and the next step shortly before there is room again."""
    exit_ = Exit(story, pacer=Pacer())
    put_many(story, range(1, 41), Priority.REPLY)
    step = await exit_.settle()
    assert len(exit_.sent) == 30
    assert step.wait == pytest.approx(1 - LEAD, abs=2 * LEAD)

    exit_.later(1)
    step = await exit_.settle()
    assert len(exit_.sent) == 40
    assert step.wait is None


async def test_check_ins_leave_one_after_the_other(story: Story) -> None:
    """In half a second about half of what a second holds, none of them in a heap; a reply in between leaves at once."""
    exit_ = Exit(story, pacer=Pacer())
    put_many(story, range(1, 101), Priority.CHECK_IN)
    await exit_.runs(0.5)
    assert 14 <= len(exit_.sent) <= 22
    put(story, 1000, "reply")
    await exit_.runs(0.04)
    assert "reply" in exit_.sent[:24]
    await exit_.runs(3.5)

    assert len(exit_.sent) == 101
    assert len(set(exit_.sent)) == 101


async def test_check_ins_wait_for_their_own_moment(story: Story) -> None:
    """The next step makes sense when the next check-in may leave, although there is room for replies."""
    exit_ = Exit(story, pacer=Pacer())
    put_many(story, range(1, 21), Priority.CHECK_IN)
    step = await exit_.settle()
    assert exit_.pause == 0
    assert step.wait == pytest.approx(exit_.pacer.free_at(0, exit_.seconds, slow=True) - exit_.seconds - LEAD)


async def test_what_is_claimed_ahead_leaves_at_its_own_moment(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply at once; check-ins keep their distance however early they were claimed."""
    monkeypatch.setattr(deliver, "AT_A_TIME", AT_ONCE)
    monkeypatch.setattr(deliver, "LEAD", 0.5)
    monkeypatch.setattr(deliver, "DRAIN", 0.0)
    exit_ = Exit(story, pacer=Pacer())
    put_many(story, range(1, 13), Priority.CHECK_IN)
    put(story, 100, "reply")
    await exit_.work.step()

    moments = [ticket.left - exit_.seconds for ticket in exit_.pacer._all]
    at_once = 2 + CATCH_UP  # the reply, the first check-in, and those that may catch up
    assert moments == pytest.approx(
        [0] * at_once + [(number + 1) * (1 + UNEVEN) / 30 for number in range(13 - at_once)], abs=1e-6
    )
    await exit_.work.end()


async def test_danger_leaves_before_the_hundreds_that_wait(story: Story) -> None:
    """An instruction passes 400 check-ins and the replies in line before it, in the full flow."""
    exit_ = Exit(story, pacer=Pacer())
    put_many(story, range(1, 401), Priority.CHECK_IN)
    await exit_.runs(1.5)
    put_many(story, range(1001, 1021), Priority.REPLY, "reply")
    put(story, 1, "call 995", Priority.DANGER)
    before = len(exit_.sent)
    await exit_.runs(0.3)

    after = exit_.sent[before:]
    assert after[0] == "call 995"
    assert after[1:6] == [f"reply {chat}" for chat in range(1001, 1006)]


# --- 429, outages -------------------------------------------------------------------------------------------


async def test_429_stops_everybody_for_as_long_as_told(story: Story) -> None:
    """retry_after is obeyed to the second, by all chats; then what is most urgent goes first, and nothing counts as tried."""
    exit_ = Exit(story, pacer=Pacer())
    limit = TryLater(reason="429", after=timedelta(seconds=7), everyone=True)
    for chat in (1, 2):
        exit_.gate.outcomes[chat] = [limit]
        put(story, chat, f"check-in {chat}", Priority.CHECK_IN)
    await exit_.settle()
    put(story, 3, "reply")
    put(story, 4, "danger", Priority.DANGER)
    step = await exit_.settle()
    assert (exit_.sent, exit_.pause) == ([], 7)
    assert step.wait == pytest.approx(7 - LEAD)
    assert {row.attempts for row in rows(story).values()} == {0}
    exit_.later(7 - 2 * LEAD)
    await exit_.settle()
    assert exit_.sent == []

    exit_.later(2 * LEAD)
    await exit_.runs(0.2)

    assert exit_.sent == ["danger", "reply", "check-in 1", "check-in 2"]


async def test_what_is_claimed_while_a_429_comes_is_back_in_line(story: Story) -> None:
    """It does not sit out the pause at the head of the line: afterwards what is most urgent goes first."""
    exit_ = Exit(story, pacer=Pacer())
    put(story, 1, "check-in", Priority.CHECK_IN)

    def asks_for_a_pause(_session: Session) -> None:
        exit_.pacer.pause(7, exit_.seconds)

    exit_.work._on_duty = asks_for_a_pause
    await exit_.settle()
    exit_.work._on_duty = lambda session: None
    put(story, 1, "danger", Priority.DANGER)
    await exit_.settle()
    assert exit_.sent == []
    exit_.later(7)
    await exit_.runs(4)

    assert exit_.sent == ["danger", "check-in"]


async def test_a_longer_429_counts(exit_: Exit) -> None:
    """Of two answers the one that asks for more; an outage's pause in between shortens nothing."""
    for chat, answer in (
        (1, TryLater(reason="429", after=timedelta(seconds=30), everyone=True)),
        (2, TryLater(reason="429", after=timedelta(seconds=5), everyone=True)),
        (3, DOWN),
    ):
        exit_.gate.outcomes[chat] = [answer]
        put(exit_.story, chat, str(chat))
    await exit_.settle()

    assert exit_.pause == 30


async def test_an_outage_pauses_everything_and_loses_nothing(story: Story) -> None:
    """Pauses grow, everything stays in line as it was, and all arrives in order when it is over."""
    tools = replace(story.tools, random_bits=lambda _bits: 128)
    exit_ = Exit(story, tools=tools)
    exit_.gate.always = DOWN
    for number in range(3):
        put_many(story, range(1, 11), Priority.REPLY, str(number))
    pauses = []
    for _ in range(len(OUTAGE_PAUSES) + 2):
        await exit_.settle()
        pauses.append(exit_.pause)
        assert {row.attempts for row in rows(story).values()} == {0}
        exit_.later(exit_.pause)
    assert pauses == pytest.approx([*OUTAGE_PAUSES, OUTAGE_PAUSES[-1], OUTAGE_PAUSES[-1]])
    assert exit_.gate.order == []

    exit_.gate.always = None
    await exit_.settle()

    assert len(exit_.sent) == 30
    for chat in range(1, 11):
        assert exit_.gate.chats[chat][0].text == f"0 {chat}"
        assert [shown.text for shown in exit_.gate.chats[chat]] == [f"{n} {chat}" for n in range(3)]
    assert {row.attempts for row in rows(story).values()} == {1}


@pytest.mark.parametrize(("bits", "share"), [(0, 0.75), (255, 1.248)])
async def test_a_pause_is_a_quarter_more_or_less(story: Story, bits: int, share: float) -> None:
    """The whole exit's or one message's own, so that not everybody comes back at once."""
    exit_ = Exit(story, tools=replace(story.tools, random_bits=lambda _bits: bits))
    exit_.gate.outcomes |= {1: [BROKEN], 2: [DOWN]}
    broken = put(story, 1, "hello")
    put(story, 2, "hello")
    await exit_.settle()

    assert exit_.pause == pytest.approx(OUTAGE_PAUSES[0] * share, rel=0.001)
    waits = (rows(story)[broken].send_at - story.now).total_seconds()
    assert waits == pytest.approx(PAUSES[0] * share, rel=0.001)


async def test_few_are_claimed_at_a_time(story: Story) -> None:
    """Should the process die, the others have not been claimed, so they are in no doubt; the next step takes them."""
    exit_ = Exit(story)
    put_many(story, range(1, 11), Priority.REPLY)
    exit_.gate.shuts(*range(1, 11))

    for claimed in (AT_A_TIME, 2 * AT_A_TIME, 10, 10):
        await exit_.work.step()
        assert count(story, OutboxState.SENDING) == claimed


async def test_a_connection_that_was_refused_at_once_does_not_slow_the_pace(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage the network's round trip is still known to be what it was: the limit is used to the full."""
    monkeypatch.setattr(deliver, "AT_A_TIME", AT_ONCE)
    exit_ = Exit(story, pacer=Pacer())

    async def trip(chats: range, seconds: float) -> None:
        exit_.gate.shuts(*chats)
        put_many(story, chats, Priority.REPLY)
        await exit_.step()
        exit_.later(seconds)
        await exit_.opens()

    await trip(range(1, 2), 0.5)
    await exit_.settle()
    exit_.gate.outcomes[2] = [DOWN]
    await trip(range(2, 3), 0.001)
    story.tools.database.call(outbox.erase_chat, 2)
    await exit_.settle()
    exit_.later(60)
    await trip(range(10, 10 + AT_ONCE), 0.5)
    await trip(range(50, 52), 0.5)

    put_many(story, range(100, 130), Priority.REPLY)
    await exit_.settle()
    assert len(exit_.sent) == 1 + AT_ONCE + 2 + 28  # the second of the first ones is over


# --- messages in doubt, and the line ------------------------------------------------------------------------


@pytest.fixture
def doubtful(story: Story) -> Exit:
    """The exit, with pauses as they are written; in line are a check-in, a reply and danger."""
    exit_ = Exit(story, tools=replace(story.tools, random_bits=lambda _bits: 128))
    put(story, 1, "check-in", Priority.CHECK_IN)
    put(story, 2, "reply")
    put(story, 3, "danger", Priority.DANGER)
    return exit_


async def breaks(exit_: Exit) -> None:
    """Lose the answers of all that is in line."""
    exit_.gate.always = LOST
    await exit_.settle()
    assert count(exit_.story, OutboxState.SENDING) == 0
    exit_.gate.always = None


async def test_a_break_of_the_whole_line_costs_no_repeat(doubtful: Exit) -> None:
    """However long it is: nothing is repeated into it, questions are put after growing pauses, then all arrive."""
    await breaks(doubtful)
    doubtful.gate.there = False
    await doubtful.runs(60)
    assert count(doubtful.story, OutboxState.DOUBT) == 3
    assert doubtful.gate.questions == 8  # 5, 5.5, 6.5, 8.5, 13.5, 28.5, 43.5, 58.5 s after it began
    assert doubtful.sent == []

    doubtful.gate.there = True
    await doubtful.runs(15)
    assert doubtful.sent == ["check-in", "danger", "reply"]
    assert {row.attempts for row in rows(doubtful.story).values()} == {2}


@pytest.mark.parametrize("seconds", [6, 12, 30])
async def test_a_break_that_answers_questions_costs_one_repeat(doubtful: Exit, seconds: float) -> None:
    """The least urgent went alone into it; the others wait until another message has been answered, and arrive."""
    doubtful.gate.always = LOST
    await doubtful.runs(seconds)
    assert count(doubtful.story, OutboxState.UNKNOWN) == 1
    assert {row.chat_id: row.attempts for row in rows(doubtful.story).values()} == {1: 2, 2: 1, 3: 1}
    doubtful.gate.always = None
    put(doubtful.story, 9, "another")
    await doubtful.runs(1)

    assert doubtful.sent == ["another", "danger", "reply"]
    assert count(doubtful.story, OutboxState.UNKNOWN) == 1


async def test_after_a_lost_repeat_the_next_waits_long_if_nothing_else_is_said(doubtful: Exit) -> None:
    """Half a minute after it another goes alone, and then the rest."""
    doubtful.gate.always = LOST
    await doubtful.runs(12)
    doubtful.gate.always = None
    await doubtful.runs(PAUSE_OF_DOUBT + ALONE_PAUSES[0] - 12 - 1)
    assert doubtful.sent == []
    await doubtful.runs(2)
    assert doubtful.sent == ["reply", "danger"]


async def test_on_a_line_that_is_fine_danger_in_doubt_leaves_after_the_shortest_pause(doubtful: Exit) -> None:
    """One answer was lost by chance, and there is nothing else to say: one question, one repeat, then danger at once."""
    await breaks(doubtful)
    await doubtful.runs(PAUSE_OF_DOUBT - 0.1)
    assert (doubtful.sent, doubtful.gate.questions) == ([], 0)
    await doubtful.runs(0.3)

    assert doubtful.sent == ["check-in", "danger", "reply"]
    assert doubtful.gate.questions == 1


async def test_the_least_urgent_goes_alone_and_the_others_follow_its_answer(doubtful: Exit) -> None:
    """Also if its answer takes long: a question says little of messages."""
    await breaks(doubtful)
    doubtful.later(10)
    doubtful.gate.shuts(1)
    await doubtful.settle()
    doubtful.later(10)
    await doubtful.settle()
    assert (doubtful.sent, doubtful.gate.under_way, doubtful.gate.questions) == ([], 1, 1)
    await doubtful.opens()
    await doubtful.settle()

    assert doubtful.sent == ["check-in", "danger", "reply"]


async def test_another_message_that_is_answered_spares_the_question(doubtful: Exit) -> None:
    """While there is something to send, the line shows by itself how it is."""
    await breaks(doubtful)
    put(doubtful.story, 9, "another")
    await doubtful.settle()
    doubtful.later(PAUSE_OF_DOUBT)
    await doubtful.settle()

    assert doubtful.sent == ["another", "danger", "reply", "check-in"]
    assert doubtful.gate.questions == 0


async def test_few_repeats_are_on_their_way_at_once(doubtful: Exit) -> None:
    """Each has its last chance: if the process dies now, no more than these few are given up."""
    put_many(doubtful.story, range(20, 30), Priority.REPLY)
    await breaks(doubtful)
    put(doubtful.story, 9, "another")
    await doubtful.settle()
    doubtful.gate.shuts(1, 2, 3, *range(20, 30))
    doubtful.later(PAUSE_OF_DOUBT)
    await doubtful.settle()
    repeats = [parcel.chat_id for parcel, _task in doubtful.work._on_their_way.values() if parcel.is_repeat]
    assert len(repeats) == AT_RISK
    assert 3 in repeats  # danger waits for none of the others

    await doubtful.opens()
    await doubtful.settle()
    assert count(doubtful.story, OutboxState.SENT) == 14


async def test_what_was_lost_after_the_last_answer_closes_the_way(doubtful: Exit) -> None:
    """An answer from before the break is no word on it."""
    await breaks(doubtful)
    put(doubtful.story, 9, "another")
    await doubtful.settle()
    doubtful.gate.outcomes[10] = [LOST]
    put(doubtful.story, 10, "yet another")
    await doubtful.settle()
    doubtful.gate.there = False
    doubtful.later(PAUSE_OF_DOUBT)
    await doubtful.settle()

    assert doubtful.sent == ["another"]
    assert count(doubtful.story, OutboxState.DOUBT) == 4


async def test_a_repeat_claimed_while_an_answer_was_lost_stays_in_doubt(doubtful: Exit) -> None:
    """The line broke between the claim and its leaving: the one repeat is still to come."""
    await breaks(doubtful)
    put(doubtful.story, 9, "another")
    await doubtful.settle()
    doubtful.later(PAUSE_OF_DOUBT)

    def breaks_again(_session: Session) -> None:
        doubtful.work._line.heard(0, LOST, doubtful.seconds, left=doubtful.seconds, is_paused=False)

    doubtful.work._on_duty = breaks_again
    await doubtful.step()
    doubtful.work._on_duty = lambda session: None
    doubtful.gate.there = False
    await doubtful.settle()
    assert doubtful.sent == ["another"]
    found = {row.chat_id: (row.state, row.attempts) for row in rows(doubtful.story).values()}
    assert [found[chat] for chat in (1, 2, 3)] == [(OutboxState.DOUBT, 1)] * 3

    doubtful.gate.there = True
    await doubtful.runs(1)
    assert doubtful.sent[1:] == ["check-in", "danger", "reply"]


async def test_a_question_that_hangs_holds_up_nobody_and_takes_no_room(doubtful: Exit) -> None:
    """Others leave meanwhile, as many as the pace allows; and the question is put once."""
    doubtful.pacer = doubtful.work._pacer = Pacer()
    await breaks(doubtful)
    doubtful.later(PAUSE_OF_DOUBT)
    doubtful.gate.pondering = asyncio.Event()
    await doubtful.settle()
    assert doubtful.gate.questions == 1
    put_many(doubtful.story, range(100, 130), Priority.REPLY)
    for _ in range(2 * 30):
        await doubtful.step()

    assert len(doubtful.sent) >= 30 - 3  # the others of this second are repeats: a message was answered
    assert doubtful.gate.questions == 1
    doubtful.gate.pondering.set()


async def test_an_answered_question_wakes_the_loop(doubtful: Exit) -> None:
    """What is in doubt does not wait for the next look at the database."""
    await breaks(doubtful)
    doubtful.later(PAUSE_OF_DOUBT)
    doubtful.gate.pondering = asyncio.Event()
    assert (await doubtful.settle()).wait is None
    resting = asyncio.create_task(doubtful.work.rest(3600, asyncio.Event()))
    await asyncio.sleep(0.001)
    assert not resting.done()
    doubtful.gate.pondering.set()
    await asyncio.wait_for(resting, 10)
    await doubtful.settle()
    assert doubtful.sent == ["check-in", "danger", "reply"]


async def test_a_question_that_fails_stops_nothing(doubtful: Exit) -> None:
    """A fault of ours in it counts as no answer; it is put again, and the messages go on meanwhile."""
    await breaks(doubtful)
    doubtful.later(PAUSE_OF_DOUBT)
    doubtful.gate.fault = RuntimeError("planted")
    step = await doubtful.settle()
    assert step.wait == pytest.approx(OUTAGE_PAUSES[0])
    doubtful.gate.fault = None
    doubtful.later(OUTAGE_PAUSES[0])
    await doubtful.settle()

    assert doubtful.sent == ["check-in", "danger", "reply"]


async def test_no_question_is_put_while_all_wait(doubtful: Exit) -> None:
    """Nothing could leave after its answer; the step says when the pause is over."""
    await breaks(doubtful)
    doubtful.pacer.pause(60, doubtful.seconds)
    doubtful.later(PAUSE_OF_DOUBT)
    step = await doubtful.settle()
    assert doubtful.gate.questions == 0
    assert step.wait == pytest.approx(60 - PAUSE_OF_DOUBT, abs=2 * LEAD)
    doubtful.later(60)
    await doubtful.settle()
    assert doubtful.sent == ["check-in", "danger", "reply"]


async def test_a_stop_ends_the_question(doubtful: Exit) -> None:
    """At once; what is in doubt stays so, and the next start repeats it: one alone, then the others."""
    await breaks(doubtful)
    doubtful.later(PAUSE_OF_DOUBT)
    doubtful.gate.pondering = asyncio.Event()
    await doubtful.settle()
    question = doubtful.work._question
    assert question is not None
    await asyncio.wait_for(doubtful.work.end(), 1)
    assert question.cancelled()
    assert count(doubtful.story, OutboxState.DOUBT) == 3

    successor = Exit(doubtful.story)
    await successor.work.begin()
    successor.gate.shuts(1)
    await successor.settle()
    assert (successor.gate.under_way, successor.sent) == (1, [])
    await successor.opens()
    await successor.settle()
    assert successor.sent == ["check-in", "danger", "reply"]
    assert successor.gate.questions == 0  # meeting Telegram at the start was one


async def test_what_a_killed_process_was_sending_is_repeated_one_alone_then_the_rest(doubtful: Exit) -> None:
    """If the line is still broken, the start costs one repeat, not all."""
    doubtful.gate.shuts(1, 2, 3)
    await doubtful.step()  # and it is killed
    successor = Exit(doubtful.story)
    await successor.work.begin()
    successor.gate.always = LOST
    await successor.settle()
    assert {row.chat_id: row.attempts for row in rows(doubtful.story).values()} == {1: 2, 2: 1, 3: 1}
    successor.gate.always = None
    put(doubtful.story, 9, "another")
    await successor.settle()
    assert successor.sent == ["another", "danger", "reply"]
    await doubtful.opens()


async def test_flush_waits_for_the_question(doubtful: Exit) -> None:
    """And then sends what is in doubt."""
    await breaks(doubtful)
    doubtful.later(PAUSE_OF_DOUBT)
    assert await doubtful.work.flush() == 3
    assert doubtful.sent == ["check-in", "danger", "reply"]


async def test_flush_ends_if_nobody_answers(doubtful: Exit) -> None:
    """What is in doubt waits."""
    await breaks(doubtful)
    doubtful.gate.there = False
    doubtful.later(PAUSE_OF_DOUBT)
    assert await doubtful.work.flush() == 0


async def test_what_was_claimed_and_is_sent_by_nobody_is_repeated_once(story: Story) -> None:
    """Its lease has ended and this process knows nothing of it: once more, in doubt; what hangs here is left alone."""
    exit_ = Exit(story)
    exit_.gate.shuts(1)
    ours, lost_ = put(story, 1, "ours"), put(story, 2, "nobody's")
    await exit_.work.step()
    _parcel, task = exit_.work._on_their_way.pop(lost_)
    task.cancel()
    exit_.later(deliver.LEASE.total_seconds())
    await exit_.settle()
    assert (state(story, lost_), exit_.sent) == (OutboxState.SENDING, [])
    exit_.later(1)
    await exit_.settle()
    assert [state(story, id_) for id_ in (ours, lost_)] == [OutboxState.SENDING, OutboxState.DOUBT]

    await exit_.runs(8)
    assert exit_.sent == ["nobody's"]
    await exit_.opens()
    await exit_.settle()
    assert exit_.sent == ["nobody's", "ours"]
    assert rows(story)[ours].attempts == 1


# --- the database's troubles --------------------------------------------------------------------------------


def fail_once(story: Story, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """Let the next transaction of the exit fail: "before" anything was kept, or "after" it all was."""
    database = story.tools.database
    run = database.run

    async def failing(function: Any, *args: Any, **more: Any) -> Any:
        monkeypatch.setattr(database, "run", run)
        if when == "after":
            await run(function, *args, **more)
        raise DatabaseAway("The database is away (planted).")

    monkeypatch.setattr(database, "run", failing)


async def clinic_with_every_answer(story: Story, gate: Gate, *, outage: bool = True) -> None:
    """Put a message of each fate in line, each chat with another one behind it. *outage*: one fate makes all wait."""
    await story.binds()
    await story.enrols(ANA)
    await story.enrols(BEN, "B2")
    story.messenger.order.clear()
    gate.last_id = story.messenger.last_id + 1000
    gate.outcomes |= {
        1: [LOST],
        2: [BROKEN],
        3: [DOWN] if outage else [],
        -5: [Moved(chat_id=-55)],
        BEN.id: [Refused(reason="too long")],
    }
    relay = put(story, ANA.id, "from the clinic", purpose=Purpose.RELAY)

    def ask_for_word(session: Session) -> None:
        row = session.get(OutboxRow, relay)
        assert row is not None
        row.payload = {**(row.payload or {}), "receipt": [GROUP, 77]}

    story.tools.database.call(ask_for_word)
    for chat in (1, 2, 3, 4, -5, BEN.id):
        put(story, chat, f"first {chat}")
    for chat in (1, 2, 3, 4, -5, BEN.id, ANA.id):
        put(story, chat, f"second {chat}")


def check_that_everything_happened_once(story: Story, gate: Gate) -> None:
    """Nothing is lost and nothing doubled, whatever failed; nobody is told anything twice."""
    texts = Counter(message.text for _chat, message in gate.order)
    staff = [text for text in texts if "Delivered" in text or "could not be delivered" in text]
    assert len(staff) == 2
    assert set(texts.values()) == {1}
    expected = {f"{n} {chat}" for n in ("first", "second") for chat in (1, 2, 3, 4, -5, BEN.id)}
    expected -= {f"first {BEN.id}"}  # refused
    assert set(texts) - set(staff) == expected | {"from the clinic", f"second {ANA.id}"}
    for chat in (1, 2, 3, 4):
        assert [shown.text for shown in gate.chats[chat]] == [f"first {chat}", f"second {chat}"]
    assert [shown.text for shown in gate.chats[-55]] == ["first -5"]
    assert count(story, OutboxState.UNKNOWN) == count(story, OutboxState.SENDING) == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize("outage", [False, True])
async def test_a_failing_database_loses_nothing_and_doubles_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch, when: str, steps: int, outage: bool
) -> None:
    """Whichever transaction fails, and whether it was kept or not: the next step does what is still to be done."""
    exit_ = Exit(story)
    await clinic_with_every_answer(story, exit_.gate, outage=outage)
    for _ in range(steps):
        await exit_.step()
    fail_once(story, monkeypatch, when)
    with pytest.raises(DatabaseAway):
        await exit_.step()
    for _ in range(5):
        await exit_.settle()
        exit_.later(3)

    check_that_everything_happened_once(story, exit_.gate)


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("outage", [False, True])
async def test_a_step_that_was_cut_short_loses_nothing_and_doubles_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch, steps: int, outage: bool
) -> None:
    """A stop comes while a transaction is under way: it is kept, nobody sends what it claimed, and the next start does."""
    exit_ = Exit(story)
    await clinic_with_every_answer(story, exit_.gate, outage=outage)
    for _ in range(steps):
        await exit_.step()
    database, kept = story.tools.database, asyncio.Event()
    run = database.run

    async def hangs(function: Any, *args: Any, **more: Any) -> Any:
        await run(function, *args, **more)
        kept.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(database, "run", hangs)
    step = asyncio.create_task(exit_.step())
    await kept.wait()
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    monkeypatch.setattr(database, "run", run)
    await exit_.work.end()
    assert count(story, OutboxState.SENDING) == 0

    successor = Exit(story, gate=exit_.gate)
    await successor.work.begin()
    for _ in range(5):
        await successor.settle()
        successor.later(3)

    check_that_everything_happened_once(story, exit_.gate)


async def test_an_answer_that_comes_while_the_database_fails_is_kept(
    exit_: Exit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded with those that could not be."""
    exit_.gate.shuts(1)
    ids = [put(exit_.story, chat, "hello") for chat in (1, 2)]
    await exit_.step()
    database = exit_.story.tools.database
    run = database.run

    async def failing(*_args: Any, **_more: Any) -> Any:
        await exit_.opens()
        monkeypatch.setattr(database, "run", run)
        raise DatabaseAway("The database is away (planted).")

    monkeypatch.setattr(database, "run", failing)
    with pytest.raises(DatabaseAway):
        await exit_.step()
    assert (await exit_.step()).recorded == 2

    assert [state(exit_.story, id_) for id_ in ids] == [OutboxState.SENT] * 2
    assert len(exit_.sent) == 2


async def test_what_is_on_its_way_is_no_stray(exit_: Exit, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an answer is still to come, a failing database neither sends its message again nor calls it unsent."""
    exit_.gate.shuts(1)
    slow = put(exit_.story, 1, "slow")
    put(exit_.story, 2, "quick")
    await exit_.step()
    fail_once(exit_.story, monkeypatch, "after")
    with pytest.raises(DatabaseAway):
        await exit_.step()
    await exit_.settle()
    assert state(exit_.story, slow) == OutboxState.SENDING
    await exit_.opens()
    await exit_.settle()

    assert exit_.sent == ["quick", "slow"]
    assert count(exit_.story, OutboxState.SENT) == 2


async def test_whoever_was_replaced_sends_nothing_more(story: Story) -> None:
    """The lease is asked for in the transaction of the claim: nothing of it is kept."""
    exit_ = Exit(story, on_duty=lost)
    row_id = put(story, 1, "hello")
    with pytest.raises(LeaseLost):
        await exit_.step()

    assert exit_.sent == []
    assert state(story, row_id) == OutboxState.QUEUED


def lost(_session: Session) -> None:
    """Another process has taken over."""
    raise LeaseLost("Another Aftercare has taken over this database.")


async def test_whoever_was_replaced_leaves_alone_what_the_successor_sends(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was frozen wakes up with answers that hang: its end does not touch the messages of the next one."""
    monkeypatch.setattr(deliver, "DRAIN", 0.01)
    before, after = Exit(story), Exit(story)
    for exit_ in (before, after):
        exit_.gate.shuts(1)
    first, second = put(story, 1, "first"), put(story, 2, "second")
    before.gate.outcomes[2] = [DOWN]
    await before.step()
    before.work._on_duty = lost
    await after.work.begin()
    after.gate.shuts(2)
    put(story, 3, "third")  # its answer lets the second follow the first, which hangs
    await after.settle()
    with pytest.raises(LeaseLost):
        await before.step()
    await before.work.end()

    found = rows(story)
    assert [found[id_].state for id_ in (first, second)] == [OutboxState.SENDING] * 2
    assert [found[id_].attempts for id_ in (first, second)] == [2, 2]
    await after.opens()
    await after.settle()
    assert sorted(after.sent) == ["first", "second", "third"]


async def test_what_arrived_before_the_successor_repeats_it_is_not_repeated(story: Story) -> None:
    """The last answers of a process that was replaced still count; nobody is told anything by it."""
    before, after = Exit(story), Exit(story)
    put(story, 1, "hello")
    await before.step()
    before.work._on_duty = lost
    await after.work.begin()
    await before.work.end()
    await after.settle()

    assert (before.sent, after.sent) == (["hello"], [])
    assert count(story, OutboxState.SENT) == 1


@pytest.mark.parametrize(
    "payload",
    [
        ["a list"],
        {"text": "x", "buttons": [[{"label": "no data"}]]},
        {"text": "x", "buttons": [[{"lable": "x", "data": "x"}]]},
        {"text": "x", "buttons": 7},
        {"text": "x", "buttons": [["x"]]},
    ],
)
async def test_a_message_that_cannot_be_read_stops_nobody(exit_: Exit, payload: Any) -> None:
    """A row that an older or a faulty Aftercare wrote is put aside; those before and behind it leave."""
    ids = [put(exit_.story, chat, text) for chat, text in ((1, "before"), (2, "bad"), (2, "behind"))]

    def damage(session: Session) -> None:
        row = session.get(OutboxRow, ids[1])
        assert row is not None
        row.payload = payload

    exit_.story.tools.database.call(damage)
    await exit_.settle()

    assert exit_.sent == ["before", "behind"]
    row = rows(exit_.story)[ids[1]]
    assert row.state == OutboxState.REFUSED
    assert "unreadable" in (row.error or "")


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (Sent(message_id=1), OutboxState.SENT),
        (Gone(reason="403"), OutboxState.REFUSED),
        (Refused(reason="400"), OutboxState.REFUSED),
    ],
)
async def test_a_follow_up_that_fails_stops_nobody(
    story: Story, monkeypatch: pytest.MonkeyPatch, answer: Outcome, ends: OutboxState
) -> None:
    """A fault of ours in what follows from an answer: what arrived counts as sent, the rest ends, others are recorded."""
    exit_ = Exit(story)
    exit_.gate.outcomes |= {7: [answer], 1: [BROKEN]}
    bad, broken, good = (put(story, chat, str(chat)) for chat in (7, 1, 2))
    real = outcome.record

    def asks_for_word(session: Session) -> None:
        row = session.get(OutboxRow, bad)
        assert row is not None
        row.payload = {**(row.payload or {}), "receipt": [GROUP, 77]}

    def record(session: Session, tools: Tools, row_id: int, *args: Any, **more: Any) -> None:
        real(session, tools, row_id, *args, **more)
        if row_id == bad:
            raise RuntimeError("planted")

    story.tools.database.call(asks_for_word)
    monkeypatch.setattr(outcome, "record", record)
    await exit_.settle()

    assert [state(story, id_) for id_ in (bad, broken, good)] == [ends, OutboxState.AGAIN, OutboxState.SENT]
    assert (rows(story)[bad].message_id is not None) == (ends is OutboxState.SENT)


async def test_a_database_that_goes_away_amid_recording_is_no_fault_of_the_message(
    exit_: Exit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is recorded by the next step instead of being given up."""
    exit_.gate.outcomes[1] = [BROKEN]
    row_id = put(exit_.story, 1, "hello")
    await exit_.step()
    real = outcome.record

    def away(*_args: Any, **_more: Any) -> None:
        monkeypatch.setattr(outcome, "record", real)
        raise DatabaseAway("The database is away (planted).")

    monkeypatch.setattr(outcome, "record", away)
    with pytest.raises(DatabaseAway):
        await exit_.step()
    await exit_.settle()
    assert state(exit_.story, row_id) == OutboxState.AGAIN
    exit_.later(2)
    await exit_.settle()

    assert exit_.sent == ["hello"]


# --- the end, and the next start ----------------------------------------------------------------------------


async def test_the_end_waits_for_answers_and_records_them(exit_: Exit) -> None:
    """What is on its way arrives and counts; what is in line stays there."""
    exit_.gate.shuts(1)
    first, second = put(exit_.story, 1, "first"), put(exit_.story, 1, "second")
    await exit_.step()
    ending = asyncio.create_task(exit_.work.end())
    await asyncio.sleep(0.02)
    assert not ending.done()
    exit_.gate.opens()
    await ending

    assert exit_.sent == ["first"]
    assert [state(exit_.story, id_) for id_ in (first, second)] == [OutboxState.SENT, OutboxState.QUEUED]


async def test_the_end_of_an_idle_exit_is_quick(exit_: Exit) -> None:
    """Nothing on its way, nothing to record; it may be called twice."""
    await exit_.work.end()
    await exit_.work.end()


async def test_what_hangs_at_the_end_is_repeated_once_by_the_next_start_and_never_more(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: it may have arrived, so the next process sends it once more; the one after that does not."""
    monkeypatch.setattr(deliver, "DRAIN", 0.01)
    hanging = put(story, 1, "hello")
    put(story, 2, "other")
    tried = 0
    for _ in range(4):
        exit_ = Exit(story)
        exit_.gate.shuts(1)
        await exit_.work.begin()
        await exit_.settle()
        tried += exit_.gate.under_way
        await exit_.work.end()
        story.now += timedelta(seconds=30)  # the next start comes when the pause is over
        assert exit_.gate.under_way == 0
        assert count(story, OutboxState.SENDING) == 0

    assert tried == 2
    assert state(story, hanging) == OutboxState.UNKNOWN
    assert count(story, OutboxState.SENT) == 1


async def test_a_killed_process_repeats_once_what_it_had_not_recorded(story: Story) -> None:
    """Promise 2: each process dies between sending and recording; the message leaves twice, and never more."""
    put(story, 1, "hello")
    left = 0
    for _ in range(4):
        exit_ = Exit(story)
        await exit_.work.begin()
        await exit_.step()
        left += len(exit_.sent)

    assert left == 2
    await exit_.work.begin()
    assert count(story, OutboxState.UNKNOWN) == 1


async def test_what_waits_for_its_moment_at_the_end_counts_as_not_sent(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message claimed a little ahead of the pace never left: it is in line at the next start, without a doubt."""
    monkeypatch.setattr(deliver, "DRAIN", 0.0)
    monkeypatch.setattr(deliver, "LEAD", 60.0)
    pacer = Pacer(1)
    exit_ = Exit(story, pacer=pacer)
    pacer.left(9, exit_.seconds)
    row_id = put(story, 1, "hello")
    assert (await exit_.work.step()).started == 1
    await asyncio.sleep(0)
    await exit_.work.end()

    row = rows(story)[row_id]
    assert exit_.sent == []
    assert (row.state, (row.payload or {}).get("doubts")) == (OutboxState.AGAIN, None)
    successor = Exit(story)
    await successor.work.begin()
    await successor.settle()
    assert successor.sent == ["hello"]


async def test_the_pace_of_the_process_before_is_remembered(story: Story) -> None:
    """Restarted half a second after thirty messages left, three of them to one chat: both limits go on."""
    first = Exit(story, pacer=Pacer())
    for text in ("a", "b", "c"):
        put(story, 7, text)
    put_many(story, range(100, 127), Priority.REPLY)
    await first.settle()
    assert len(first.sent) == 30
    await first.work.end()
    first.later(0.5)

    second = Exit(story, pacer=Pacer(), seconds=77.0)
    await second.work.begin()
    put(story, 7, "d")
    put(story, 8, "other")
    step = await second.settle()
    assert second.sent == []
    assert step.wait == pytest.approx(0.5 - LEAD)
    second.later(0.5)
    await second.settle()
    assert second.sent == ["other"]
    second.later(2)
    await second.settle()
    assert second.sent == ["other", "d"]


async def test_what_left_more_than_a_minute_ago_is_not_remembered(story: Story) -> None:
    """No limit of Telegram's looks further back."""
    put_many(story, range(1, 31), Priority.REPLY)
    await Exit(story).settle()
    second = Exit(story, pacer=Pacer())
    second.later(60)
    await second.work.begin()
    assert len(second.pacer._all) == 0


async def test_a_clock_that_was_set_back_does_not_silence_the_bot(story: Story) -> None:
    """Messages of an hour that is still to come count as sent just now, not as sent in an hour."""
    put_many(story, range(1, 41), Priority.REPLY)
    await Exit(story).settle()
    story.now -= timedelta(hours=1)
    second = Exit(story, pacer=Pacer())
    await second.work.begin()
    put(story, 1, "danger", Priority.DANGER)
    await second.settle()
    second.later(1)
    await second.settle()
    assert second.sent == ["danger"]


async def test_what_was_cancelled_before_the_next_start_is_not_repeated(story: Story) -> None:
    """The process died with a check-in on its way; the patient said stop before the next one began."""
    await story.enrols(ANA)
    before = Exit(story)
    before.gate.shuts(ANA.id, 2)
    put(story, ANA.id, "hello", Priority.CHECK_IN, purpose=Purpose.CHECK_IN)
    put(story, 2, "other")
    await before.step()
    story.tools.database.call(outbox.cancel, ANA.id, Purpose.CHECK_IN)

    after = Exit(story)
    await after.work.begin()
    await after.settle()

    assert after.sent == ["other"]
    before.gate.opens()
    await before.work.end()


async def test_two_claims_of_one_process_never_overlap(exit_: Exit) -> None:
    """Whatever a step claims is neither claimed by anybody else nor given back while it is on its way."""
    exit_.gate.shuts(1)
    put(exit_.story, 1, "hello")
    await exit_.step()
    found = exit_.story.tools.database.call(claims.claim, exit_.story.now, deliver.LEASE, 10)
    assert found.rows == []
    await exit_.opens()
    await exit_.settle()
    assert exit_.sent == ["hello"]
