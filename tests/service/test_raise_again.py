"""Tests of `bot.service.raise_again`: raised until somebody has seen it, and the patient told that nobody has."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.content.settings import Branch
from bot.domain.message import TEXT_LIMIT, Priority, length, plain
from bot.domain.patient import AlertKind
from bot.domain.triage import Urgency
from bot.service import alarm, dispatch, raise_again
from bot.service.turn import Turn
from bot.storage import alerts, groups, outbox
from bot.storage.database import DatabaseAway, Session
from bot.storage.outbox import OutboxState
from bot.storage.tables import Alert, OutboxRow
from tests.conftest import THURSDAY
from tests.kit.story import ANA, BEN, GROUP, Person, Story

DANGER = "my chest hurts when i breathe in"
FEVER = "i have a fever of 38.5 and the spot is red and hot"
MINUTE = timedelta(minutes=1)
NIGHT = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)  # 23:00
OPENS = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # 09:00
NOBODY = "Nobody at the clinic has seen"
LIST = "alerts that nobody has acknowledged"


def step(story: Story, batch: int = 20) -> tuple[dict[str, int], bool]:
    """Do one batch of what is due of the alerts."""
    done: Counter[str] = Counter()
    more = story.tools.database.call(raise_again.due, story.tools, done, story.now, batch)
    return dict(done), more


def opens(story: Story, number: int = 1, urgency: Urgency = Urgency.SAME_DAY, **more: object) -> list[int]:
    """Open so many alerts about strangers that are to be raised now; return their ids."""
    fields = {
        "branch_id": "main",
        "patient": None,
        "treatment": None,
        "kind": AlertKind.RED_FLAG,
        "red_flag": "breathing",
        "said": DANGER,
        "raise_at": story.now,
        "tell_patient_at": None,
        **more,
    }

    def act(session: Session) -> list[int]:
        return [
            alerts.add(
                session,
                chat_id=9000 + one,
                urgency=urgency,
                who=str(fields.get("label", f"Person {urgency} {one}")),
                now=story.now,
                **{name: value for name, value in fields.items() if name != "label"},  # type: ignore[arg-type]
            ).id
            for one in range(number)
        ]

    return story.tools.database.call(act)


def with_branch_east(story: Story) -> None:
    """Let the clinic have a second branch."""
    clinic = story.tools.settings.clinic
    there = Branch(id="east", name="East", address="1 Example Lane", hours=clinic.branches[0].hours)
    both = clinic.model_copy(update={"branches": (*clinic.branches, there)})
    story.tools = replace(story.tools, settings=story.tools.settings.model_copy(update={"clinic": both}))


def the(story: Story, alert_id: int) -> Alert:
    """Return an alert as it stands now."""
    alert = story.tools.database.call(alerts.by_id, alert_id)
    assert alert is not None
    return alert


def queued(story: Story, chat_id: int = GROUP) -> list[OutboxRow]:
    """Return what waits for a chat."""

    def act(session: Session) -> list[OutboxRow]:
        return [row for row in outbox.of_chat(session, chat_id) if row.state == OutboxState.QUEUED]

    return story.tools.database.call(act)


async def test_what_is_not_due_is_left_alone(story: Story) -> None:
    """A step may be called at any time."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)

    assert step(story) == ({}, False)


async def test_it_counts_what_it_raised_and_whom_it_told(story: Story) -> None:
    """Raised after five minutes; told, and raised, after ten; a full batch asks for another call."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    story.now += 5 * MINUTE
    assert step(story, batch=1) == ({"raised_again": 1}, True)
    assert step(story, batch=1) == ({}, False)
    story.now += 5 * MINUTE
    assert step(story) == ({"raised_again": 1, "patient_told": 1}, False)

    assert step(story) == ({}, False)


async def test_no_more_than_a_batch_is_told_or_posted_in_one_transaction(story: Story) -> None:
    """Replies wait for no more than that; the rest is asked for at once."""
    await story.binds()
    opens(story, 3, tell_patient_at=story.now, raise_at=None)
    assert step(story, batch=2) == ({"patient_told": 2}, True)
    assert step(story, batch=2) == ({"patient_told": 1}, False)

    opens(story, 3)
    assert step(story, batch=2) == ({"raised_again": 2}, True)
    assert step(story, batch=2) == ({"raised_again": 1}, False)


# --- many at one moment --------------------------------------------------------------------------------------


async def test_the_alerts_of_a_night_are_one_message_at_the_opening(story: Story) -> None:
    """Forty at nine o'clock would silence the whole bot for a minute; all forty stand in a list, and count as raised."""
    await story.binds()
    story.now = NIGHT
    people = [Person(1000 + number, f"P{number}") for number in range(40)]
    for person in people:
        await story.enrols(person, f"A{person.id}")
        await story.says(person, FEVER)
    posted = len(story.texts(GROUP))
    story.now = OPENS - MINUTE
    await story.rings()
    assert len(story.texts(GROUP)) == posted
    story.now = OPENS
    await story.rings()

    (text,) = story.texts(GROUP)[posted:]
    assert f"40 {LIST}" in text
    for person in people:
        assert f"🟠 A{person.id}: Signs of an infection, since yesterday at 23:00" in text
    assert "/today shows all of them" in text
    for person in people:
        (alert,) = story.tools.database.call(alerts.of_chat, person.id)
        assert (alert.times_raised, alert.raise_at) == (2, OPENS + timedelta(hours=1))


async def test_a_few_are_posted_each(story: Story) -> None:
    """Five have a message each, with its button; the sixth makes it a list without buttons."""
    await story.binds()
    opens(story, 5)
    assert step(story) == ({"raised_again": 5}, False)
    assert [row.alert_id for row in queued(story)] == [1, 2, 3, 4, 5]
    await story.deliver()

    story.now += timedelta(hours=1)
    opens(story)
    assert step(story) == ({"raised_again": 6, "listed": 1}, False)
    (row,) = queued(story)
    assert (row.alert_id, row.about_chat, row.priority) == (None, None, Priority.DANGER)
    assert (row.payload or {}).get("buttons") is None
    assert step(story) == ({}, False)


async def test_the_most_urgent_stand_first_in_a_list(story: Story) -> None:
    """Emergencies before what is for today, that before questions; and each has its own next moment."""
    await story.binds()
    asked = opens(story, 2, Urgency.ROUTINE, kind=AlertKind.QUESTION, red_flag=None)
    today = opens(story, 3)
    now = opens(story, 2, Urgency.EMERGENCY)
    step(story)

    text = str((queued(story)[0].payload or {})["text"])
    assert [line.split()[0] for line in text.splitlines() if " Person " in line] == ["🔴"] * 2 + [
        "🟠"
    ] * 3 + ["🔵"] * 2
    assert "🔵 Person routine 0: Question for the clinic, since today at 15:00" in text
    assert [the(story, ids[0]).raise_at for ids in (now, today, asked)] == [
        THURSDAY + 5 * MINUTE,
        THURSDAY + timedelta(hours=1),
        OPENS,
    ]


async def test_a_list_of_questions_goes_behind_replies(story: Story) -> None:
    """What nobody is in danger of has the priority that each of them would have had."""
    await story.binds()
    opens(story, 6, Urgency.ROUTINE, kind=AlertKind.QUESTION, red_flag=None)
    step(story)

    assert [row.priority for row in queued(story)] == [Priority.ALERT]


async def test_a_long_list_is_one_message_that_says_how_many_it_leaves_out(story: Story) -> None:
    """Within Telegram's 4096, with hostile and long names; those left out are the least urgent, and count as raised."""
    await story.binds()
    label = "<b>&_*" * 24 + "😀"
    emergency = opens(story, 1, Urgency.EMERGENCY, label="The emergency")
    ids = opens(story, 60, label=label)
    assert step(story)[0] == {"raised_again": 61, "listed": 1}

    text = plain(str((queued(story)[0].payload or {})["text"]))
    shown = text.count(label) + text.count("The emergency")
    assert 10 < shown < 61
    assert f"… and {61 - shown} more" in text
    assert "The emergency" in text.splitlines()[2]
    assert TEXT_LIMIT - 300 < length(text) <= TEXT_LIMIT
    assert {the(story, id_).times_raised for id_ in (*emergency, *ids)} == {2}


async def test_a_list_that_fits_leaves_nothing_out(story: Story) -> None:
    """No word of more where there is no more."""
    await story.binds()
    opens(story, 40)
    step(story)

    text = str((queued(story)[0].payload or {})["text"])
    assert text.count("Person") == 40
    assert "more" not in text


async def test_a_new_emergency_does_not_go_into_a_list(story: Story) -> None:
    """Its first post is its own, with the words and the button, while six others are raised again."""
    await story.binds()
    await story.enrols(ANA)
    opens(story, 6)
    await story.says(ANA, DANGER)
    assert [b.label for b in story.sees(GROUP, DANGER).buttons] == ["Acknowledge"]
    posted = len(story.texts(GROUP))
    await story.rings()

    (text,) = story.texts(GROUP)[posted:]
    assert f"6 {LIST}" in text
    assert "A1023" not in text


async def test_more_than_a_transaction_takes_are_raised_all_the_same(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lists one after the other; what is left for the last one may be posted each."""
    await story.binds()
    monkeypatch.setattr(raise_again, "MANY", 7)
    opens(story, 9)

    assert step(story) == ({"raised_again": 7, "listed": 1}, True)
    assert step(story) == ({"raised_again": 2}, False)
    assert step(story) == ({}, False)


async def test_each_branch_has_its_own_list(story: Story) -> None:
    """Six of one branch are listed there; the two of another are posted there, with their buttons."""
    with_branch_east(story)
    await story.binds()
    await story.binds("east", chat_id=-200)
    opens(story, 6)
    opens(story, 2, branch_id="east")
    assert step(story)[0] == {"raised_again": 8, "listed": 1}

    assert [row.alert_id for row in queued(story)] == [None]
    assert [row.alert_id for row in queued(story, -200)] == [7, 8]


async def test_an_alert_is_raised_where_its_button_works(story: Story) -> None:
    """The patient went to another branch since: the alert is still that of the branch it was opened in."""
    with_branch_east(story)
    await story.binds()
    await story.binds("east", chat_id=-200)
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    await story.enrols(ANA, "B1", branch_id="east")
    await story.later(minutes=5)

    assert "Still open" in story.sees(GROUP).text
    assert not any(DANGER in text for text in story.texts(-200))
    await story.staff_taps("Acknowledge")
    assert "has seen your message" in story.sees(ANA).text


# --- what goes wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("urgency", [Urgency.EMERGENCY, Urgency.SAME_DAY])
async def test_the_patient_is_told_also_if_staff_cannot_be(
    story: Story, monkeypatch: pytest.MonkeyPatch, urgency: Urgency
) -> None:
    """A fault of ours with the post: the patient hears that nobody has seen it; an emergency is tried every minute."""
    await story.binds()
    (id_,) = opens(
        story, 1, urgency, tell_patient_at=story.now + 10 * MINUTE, raise_at=story.now + 5 * MINUTE
    )
    post = alarm.post

    def fails(*_all: object, **_more: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(alarm, "post", fails)
    for _minute in range(11):
        story.now += MINUTE
        await story.rings()
    told = [text for text in story.texts(9000) if NOBODY in text]
    assert len(told) == 1
    assert the(story, id_).tell_patient_at is None
    wait = the(story, id_).raise_at - story.now  # type: ignore[operator]
    assert wait == (1 if urgency is Urgency.EMERGENCY else 4) * MINUTE

    monkeypatch.setattr(alarm, "post", post)
    await story.later(minutes=5)
    assert DANGER in story.sees(GROUP, "Still open").text
    assert the(story, id_).times_raised >= 2
    assert len([text for text in story.texts(9000) if NOBODY in text]) == 1


async def test_the_patient_is_told_also_if_there_is_no_group(story: Story) -> None:
    """The alert waits for a group, without being called raised; however many there are."""
    ids = opens(story, 7, Urgency.EMERGENCY, tell_patient_at=story.now)

    assert step(story) == ({"patient_told": 7, "no_group": 7}, False)
    assert {(the(story, id_).times_raised, the(story, id_).raise_at) for id_ in ids} == {
        (1, THURSDAY + 5 * MINUTE)
    }
    await story.deliver()
    assert [NOBODY in text for text in story.texts(9003)] == [True]


async def test_a_patient_who_could_not_be_told_is_told_later(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours with these words stops neither the post for staff nor another patient's; it is tried in a minute."""
    await story.binds()
    first, second = opens(story, 2, Urgency.EMERGENCY, tell_patient_at=story.now)
    say = Turn.say

    def fails_for_one(turn: Turn, text: str, *args: object, **more: object) -> OutboxRow:
        if turn.chat_id == 9000:
            raise RuntimeError("planted")
        return say(turn, text, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Turn, "say", fails_for_one)
    assert step(story) == ({"patient_told": 1, "put_off": 1, "raised_again": 2}, False)
    assert the(story, first).tell_patient_at == story.now + MINUTE
    assert the(story, second).tell_patient_at is None
    assert step(story) == ({}, False)
    monkeypatch.setattr(Turn, "say", say)
    story.now += MINUTE

    assert step(story) == ({"patient_told": 1}, False)


async def test_one_that_cannot_be_listed_stops_no_other(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours with one line: the others are listed, and it is tried again soon."""
    await story.binds()
    bad, *good = opens(story, 7)
    sign_of = alarm.sign_of

    def fails_for_one(staff: Turn, alert: Alert) -> str:
        if alert.id == bad:
            raise RuntimeError("planted")
        return sign_of(staff, alert)

    monkeypatch.setattr(alarm, "sign_of", fails_for_one)
    assert step(story) == ({"raised_again": 6, "listed": 1, "put_off": 1}, False)
    assert (the(story, bad).times_raised, the(story, bad).raise_at) == (1, story.now + 5 * MINUTE)
    assert {the(story, id_).times_raised for id_ in good} == {2}
    assert f"6 {LIST}" in str((queued(story)[0].payload or {})["text"])

    monkeypatch.setattr(alarm, "sign_of", lambda *_: 1 / 0)
    story.now += timedelta(hours=1)
    assert step(story)[0] == {"put_off": 7}  # none is left for a list


async def test_a_list_that_cannot_be_posted_is_tried_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours with the whole list: none counts as raised, and what else is due goes on."""
    await story.binds()
    await story.enrols(ANA)
    story.now += timedelta(hours=24)
    ids = opens(story, 5) + opens(story, 1, Urgency.EMERGENCY)
    listing = raise_again._list
    monkeypatch.setattr(raise_again, "_list", lambda *_: 1 / 0)
    counts = story.tools.database.call(dispatch.due, story.tools, story.now)
    assert (counts.asked, counts.raised_again, counts.listed, counts.put_off) == (1, 0, 0, 1)
    assert {the(story, id_).times_raised for id_ in ids} == {1}
    assert [the(story, id_).raise_at for id_ in ids[-2:]] == [story.now + 5 * MINUTE, story.now + MINUTE]
    monkeypatch.setattr(raise_again, "_list", listing)
    story.now += 5 * MINUTE

    assert step(story)[0] == {"raised_again": 6, "listed": 1}


async def test_a_database_that_goes_away_puts_nothing_off(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is done when it is back, once."""
    await story.binds()
    opens(story, 6, tell_patient_at=story.now)

    def away(*_all: object) -> str:
        raise DatabaseAway("planted")

    listing = raise_again._list
    monkeypatch.setattr(raise_again, "_list", away)
    with pytest.raises(DatabaseAway):
        step(story)
    monkeypatch.setattr(raise_again, "_list", listing)

    assert step(story)[0] == {"raised_again": 6, "listed": 1, "patient_told": 6}


async def test_a_sign_that_is_no_longer_known_is_raised_too(story: Story) -> None:
    """The words of a red flag went with an update of the content: staff read what kind of alert it is."""
    await story.binds()
    opens(story, 1, red_flag="of_old")
    assert step(story)[0] == {"raised_again": 1}
    await story.deliver()
    assert "Sign of danger" in story.sees(GROUP).text

    opens(story, 6, red_flag="of_old")
    assert step(story)[0] == {"raised_again": 6, "listed": 1}


# --- a clock that was set back -------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [timedelta(minutes=8), timedelta(hours=8), timedelta(days=400)])
async def test_an_emergency_does_not_wait_for_a_clock_that_was_set_back(
    story: Story, back: timedelta
) -> None:
    """Raised at once and then as ever; the patient is told no later than by the clock that was."""
    await story.binds()
    await story.enrols(ANA)
    await story.says(ANA, DANGER)
    raised = len(story.texts(GROUP))
    story.now -= back
    await story.rings()
    assert len(story.texts(GROUP)) == raised + 1
    assert any(NOBODY in text for text in story.texts(ANA))
    await story.rings()
    assert len(story.texts(GROUP)) == raised + 1
    await story.later(minutes=16)

    assert len(story.texts(GROUP)) == raised + 4
    assert sum(NOBODY in text for text in story.texts(ANA)) == 1


async def test_what_was_to_wait_for_another_opening_is_raised_in_this_one(story: Story) -> None:
    """Set on Friday's evening for Saturday; the clock goes back to Thursday afternoon, when staff are there."""
    await story.binds()
    story.now = NIGHT + timedelta(hours=24)
    (id_,) = opens(story, raise_at=OPENS + timedelta(hours=24))
    story.now = THURSDAY

    assert step(story)[0] == {"raised_again": 1}
    assert the(story, id_).raise_at == THURSDAY + timedelta(hours=1)


async def test_a_clock_that_is_set_by_seconds_raises_nothing(story: Story) -> None:
    """Two machines differ by a minute: who takes over does not raise everything anew."""
    await story.binds()
    await story.enrols(ANA)
    await story.enrols(BEN, "B2")
    await story.says(ANA, DANGER)
    await story.says(BEN, FEVER)
    story.now -= 2 * MINUTE

    assert step(story) == ({}, False)


async def test_what_waited_for_a_group_is_raised_in_it(story: Story) -> None:
    """A branch without a group, and then with one: what waited is raised on its moment."""
    ids = opens(story, 6)
    step(story)
    story.tools.database.call(groups.bind, "main", GROUP, "Staff", "Eva", story.now)
    story.now += timedelta(hours=1)

    assert step(story)[0] == {"raised_again": 6, "listed": 1}
    assert {the(story, id_).times_raised for id_ in ids} == {2}
