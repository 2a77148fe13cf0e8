"""Trouble with the Bot API under a mixed load: it is away, fails, answers nonsense, takes without saying so, hangs, brakes us."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.patient import CheckInState
from bot.sandbox.faults import Fault, Kind
from bot.storage import check_ins, patients
from bot.storage.database import Session
from tests.journeys.conftest import Trials
from tests.kit.clinic import BRANCHES
from tests.kit.crowd import Load
from tests.kit.gate import Gate

BUSY = Load(questions=6.0, check_ins=5.0, alarms=1.0)
#: What piles up for half a minute is soon sent.
STEADY = Load(questions=3.0, check_ins=2.0, alarms=0.5)

#: What never had an effect, and says so: it may hit as many calls in a row as it likes.
REFUSALS = [
    Fault(method=method, kind="error", code=code, description=words, times=times)
    for method, times in [
        ("sendMessage", 6),
        ("editMessageText", 6),
        ("getUpdates", 2),
        ("getChatMember", 1),
        ("answerCallbackQuery", 2),
    ]
    for code, words in [(500, "Internal Server Error"), (502, "Bad Gateway")]
]
#: What may have had its effect.
DOUBTS = [
    Fault(method=method, kind=kind, taken=taken)
    for method in ["sendMessage", "editMessageText", "getUpdates", "getChatMember", "answerCallbackQuery"]
    for kind in ("drop", "garbage")
    for taken in (True, False)
]
#: For so long no message is answered with sense, or at all; in seconds. It ends before any repeat leaves.
HICCUP = 2.0
#: The same, longer than a repeat waits; and how long it is over before the next: longer than the exit pauses by then.
BREAK = 8.0
BETWEEN = 12.0
#: What loses the answers to messages only, and what loses those to questions and to polling too; not to what is asked
#: of an update's sender, for an update that fails four times is parked.
MESSAGES = ["sendMessage"]
ALL_BUT_MEMBERS = ["getMe", "sendMessage", "editMessageText", "getUpdates"]
HICCUPS = [Fault(method="sendMessage", kind="drop"), Fault(method="sendMessage", kind="garbage")]
HANGING = ["getChatMember", "answerCallbackQuery", "editMessageText", "sendMessage", "getUpdates"]


async def test_nothing_is_lost_while_the_api_cannot_be_reached(trial: Trials) -> None:
    """Its port is shut for three seconds; what was on the line is repeated once, the rest waits."""
    async with asyncio.timeout(120), trial(seed=2) as on, Gate(on.port) as gate:
        on.crowd.plan(BUSY, seconds=8)
        async with on.crowd.at_large():
            bot = await on.start(on.clinic.config(gate.url))
            await on.until_called(60)
            with on.tally.trouble():
                await gate.shut()
            await asyncio.sleep(3)  # the time it is away
            await gate.open()
            await on.crowd.rest()
            await bot.stopped()
        on.verdict("the API was away for 3 s:", most_late=20)


async def test_nothing_is_lost_when_calls_fail(trial: Trials) -> None:
    """Each kind of failure hits each kind of call: refused, nonsense for an answer, a line that breaks before or after."""
    async with asyncio.timeout(120), trial(seed=3) as on:
        on.crowd.plan(BUSY, seconds=28)
        async with on.crowd.at_large():
            bot = await on.start()
            # An update that fails four times is parked: each of these meets that of another group.
            about_members = [fault for fault in [*REFUSALS, *DOUBTS] if fault.method == "getChatMember"]
            groups = [branch.group.id for branch in on.clinic.branches]
            await on.met(
                *(replace(fault, chat_id=group) for fault, group in zip(about_members, groups, strict=False))
            )
            for fault in [*REFUSALS, *DOUBTS]:
                if fault not in about_members:
                    await on.met(fault)
            for fault in HICCUPS:
                await on.met_for(HICCUP, fault)
            await on.crowd.rest()
            await bot.stopped()
        on.verdict(
            f"{len(REFUSALS)} refusals, {len(DOUBTS)} doubts, {len(HICCUPS)} hiccups of {HICCUP} s:",
            most_late=45,
        )


@pytest.mark.parametrize(
    ("methods", "kinds"),
    [
        (MESSAGES, [("drop", True), ("garbage", False)]),
        (ALL_BUT_MEMBERS, [("drop", False), ("garbage", True)]),
    ],
)
async def test_a_long_break_costs_one_message_at_most(
    trial: Trials, methods: list[str], kinds: list[tuple[Kind, bool]]
) -> None:
    """No message is answered for eight seconds, twice, whether it was taken or not.

    One repeat finds out that messages are still not answered, and may be given up for it; all the others arrive. If
    questions are not answered either, they find it out, and nothing is given up.
    """
    async with asyncio.timeout(240), trial(seed=8) as on:
        on.crowd.plan(STEADY, seconds=len(kinds) * (BREAK + BETWEEN))
        async with on.crowd.at_large():
            bot = await on.start()
            await on.until_called(60)
            for kind, taken in kinds:
                faults = [Fault(method=method, kind=kind, taken=taken) for method in methods]
                await on.met_for(BREAK, *faults)
                await asyncio.sleep(BETWEEN)  # the line is fine
            await on.crowd.rest()
            await bot.stopped()
        unknown = sum(map(len, on.tally.unknown().values()))
        lost = Counter(
            entry.method for entry in on.sandbox.calls() if not entry.told or entry.outcome is None
        )
        on.say(f"{dict(lost)} answers were lost; {unknown} messages were given up")
        most = 0 if "getMe" in methods else len(kinds)
        on.verdict(f"{len(kinds)} breaks of {BREAK} s:", most_late=60, most_unknown=most)

    assert lost.total() > 10 * len(kinds)
    assert unknown <= most


async def test_nothing_is_lost_when_calls_are_never_answered(trial: Trials) -> None:
    """One call of each kind hangs until the bot gives it up, one message of them was taken; the others go on meanwhile."""
    async with asyncio.timeout(150), trial(seed=4) as on:
        on.crowd.plan(replace(BUSY, alarms=3.0), seconds=5)
        async with on.crowd.at_large():
            bot = await on.start()
            await on.met(Fault(method="sendMessage", kind="hang", taken=True))
            for method in HANGING:
                await on.met(Fault(method=method, kind="hang"))
            await on.crowd.rest(90)
            await bot.stopped()
        on.verdict("one call of each kind hung:", most_late=75)


async def test_after_too_many_requests_there_is_silence_and_then_replies_come_first(trial: Trials) -> None:
    """429 with retry_after: nothing is sent for so long; then danger and replies leave before check-ins."""
    async with asyncio.timeout(90), trial(seed=5) as on:
        on.crowd.plan(Load(questions=8.0, check_ins=8.0, alarms=1.0), seconds=7)
        async with on.crowd.at_large():
            bot = await on.start()
            await on.until_called(60)
            slow_down = Fault(
                method="sendMessage", kind="error", code=429, retry_after=3,
                description="Too Many Requests: retry after 3",
            )  # fmt: skip
            await on.met(slow_down)
            await on.crowd.rest()
            await bot.stopped()
        on.verdict("429, retry after 3 s:", most_late=15)

    calls = [entry for entry in on.sandbox.calls() if entry.method in ("sendMessage", "editMessageText")]
    place = next(place for place, entry in enumerate(calls) if entry.outcome == 429)
    told, after = calls[place], calls[place + 1 :]
    on_their_way = [entry for entry in after if entry.at < told.at + timedelta(seconds=0.3)]
    again = after[len(on_their_way)]
    on.say(f"{len(on_their_way)} were on their way; the next came {again.at - told.at} after the 429")
    assert again.at - told.at >= timedelta(seconds=3)
    overtaken = on.tally.overtaken("check-ins")
    on.say(f"{len(overtaken)} answers waited while a check-in left")
    assert overtaken == []


# --- people and groups that are gone ----------------------------------------------------------------------


async def test_who_cannot_be_reached_is_marked_and_the_others_go_on(trial: Trials) -> None:
    """Blocked, or without an account any more: the rest is cancelled, staff are told once; a group that moved is followed.

    Telegram tells it in its answers only: nothing can be fetched meanwhile.
    """
    async with asyncio.timeout(90), trial(seed=6) as on:
        soon = datetime.now(UTC) + timedelta(seconds=3)
        gone = on.clinic.enrol(2 * BRANCHES, lambda place: soon, "G", steps=2)
        for place, one in enumerate(gone):
            one.person.blocked = place % 2 == 0
            one.person.deactivated = place % 2 == 1
        on.sandbox.plan(Fault(method="getUpdates", kind="error", times=4))
        moved = [on.sandbox.migrate(branch.group) for branch in on.clinic.branches[:3]]
        for branch, group in zip(on.clinic.branches[:3], moved, strict=True):
            branch.group = group
        on.crowd.plan(BUSY, seconds=8)
        for one in gone:
            on.tally.owe("word to staff", one.branch.group.id, one.label, "left Telegram", since=one.due)
        async with on.crowd.at_large():
            bot = await on.start()
            await on.crowd.rest()
            await bot.stopped()
        states = on.read(lambda session: _states_of(session, [one.person.id for one in gone]))
        on.say(f"{len(gone)} who cannot be reached: {states}")
        on.verdict("403, deactivated, a group that moved:", most_late=30)

    assert states == {("marked", CheckInState.CANCELLED): 2 * len(gone)}
    assert {entry.outcome for entry in on.sandbox.calls("sendMessage")} == {200, 400, 403}


def _states_of(session: Session, chats: list[int]) -> Counter[tuple[str, str]]:
    """Count the check-ins of some patients, by whether the patient is marked and by state."""
    found: Counter[tuple[str, str]] = Counter()
    for chat_id in chats:
        patient = patients.by_chat(session, chat_id)
        assert patient is not None
        for row in check_ins.all_of(session, patient.id):
            found["marked" if patient.unreachable_at else "in reach", row.state] += 1
    return found
