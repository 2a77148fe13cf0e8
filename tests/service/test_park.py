"""Tests of parking: whose update could not be handled is not left alone, whatever it was and whatever else fails."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.patient import AlertKind
from bot.domain.triage import Urgency
from bot.service import alarm, park, receive
from bot.service.turn import Turn
from bot.storage import alerts, groups, inbox
from bot.storage.database import DatabaseAway
from bot.storage.inbox import Arrival, InboxState
from tests.kit.story import ANA, BEN, EVA, GROUP, Person, Story

SECRET = "zxqv my own words"
PLANTED = RuntimeError(SECRET)
ALL_TRIES = [InboxState.WAITING] * 3 + [InboxState.PARKED]


def message(person: Person, text: str = SECRET, **fields: Any) -> dict[str, Any]:
    """Return a raw message from a private chat."""
    return {
        "message": {
            "message_id": 77,
            "date": 1,
            "chat": {"id": person.id, "type": "private"},
            "from": {"id": person.id, "first_name": person.name, "language_code": person.language},
            **({"text": text} if text else {}),
            **fields,
        }
    }


def in_group(text: str = "", chat: int = GROUP, **fields: Any) -> dict[str, Any]:
    """Return a raw message from a group."""
    return message(EVA, text, chat={"id": chat, "type": "supergroup"}, **fields)


async def fails(
    story: Story, raw: dict[str, Any], times: int = 4, update_id: int = 70_000
) -> list[InboxState]:
    """Let handling an update fail so many times, at the moments at which it is tried, and deliver what follows."""
    chat = next(value["chat"]["id"] for value in raw.values()) if raw and "message" in raw else None
    arrival = Arrival(update_id=update_id, chat_id=chat, payload=raw)
    story.tools.database.call(inbox.store, [arrival], story.now)
    states = []
    for pause in (*inbox.PAUSES, timedelta(0))[:times]:
        states.append(story.tools.database.call(park.failed, story.tools, update_id, "KeyError", story.now))
        await story.deliver()
        story.now += pause
    return states


def alerts_about(story: Story, person: Person) -> list[Any]:
    """Return the alerts about a chat."""
    return story.tools.database.call(alerts.of_chat, person.id)


# --- a patient, a stranger -------------------------------------------------------------------------------


async def test_a_patient_and_staff_learn_of_a_message_that_could_not_be_handled(story: Story) -> None:
    """Staff get the words as they are, the patient an honest word with both numbers; before the last try, nobody."""
    await story.binds()
    await story.enrols(ANA)
    before = len(story.texts(ANA)), len(story.texts(GROUP))

    assert await fails(story, message(ANA), 3) == ALL_TRIES[:3]
    assert (len(story.texts(ANA)), len(story.texts(GROUP))) == before
    assert await fails(story, {}, 1) == [InboxState.PARKED]

    seen = story.sees(GROUP)
    assert "Today: needs a person" in seen.text
    assert f"“{SECRET}”" in seen.text
    assert "A1023" in seen.text
    assert "Written today at 15:00" in seen.text
    told = story.sees(ANA).text
    assert "could not read what you sent today at 15:00" in told
    assert "I have passed it on" in told
    assert "If you feel unwell now" in told
    assert "+65 6000 0000" in told
    assert "995" in told


async def test_the_alert_is_raised_until_somebody_acknowledges_it(story: Story) -> None:
    """It is an alert like others: again after an hour, and the patient learns that it was seen."""
    await story.binds()
    await story.enrols(ANA)
    await fails(story, message(ANA))
    (alert,) = alerts_about(story, ANA)
    assert (alert.kind, alert.urgency) == (AlertKind.QUESTION, Urgency.SAME_DAY)

    await story.later(minutes=61)
    assert "Still open" in story.sees(GROUP).text
    await story.staff_taps("Acknowledge")

    assert "has seen your message" in story.sees(ANA).text
    number = len(story.texts(GROUP))
    await story.later(hours=2)
    assert len(story.texts(GROUP)) == number


async def test_staff_can_answer_under_the_alert(story: Story) -> None:
    """A reply goes to the person whose message it was."""
    await story.binds()
    await fails(story, message(BEN))

    await story.staff(EVA, "What did you want to ask?", reply_to=story.sees(GROUP))

    assert any("What did you want to ask?" in text for text in story.texts(BEN))


async def test_a_stranger_is_told_who_sees_the_message(story: Story) -> None:
    """It may be urgent, nobody could tell: as with a red flag, the first branch sees the words and the name."""
    await story.binds()
    await fails(story, message(BEN))

    assert "Ben · not registered with us" in story.sees(GROUP).text
    assert SECRET in story.sees(GROUP).text
    assert "shown your message and your Telegram name" in story.sees(BEN).text


async def test_without_a_staff_group_the_person_is_told_to_call(story: Story) -> None:
    """Nothing is promised that nobody would keep; the alert waits for a group."""
    await story.enrols(ANA)
    await fails(story, message(ANA))
    assert "I cannot reach the clinic's team from here" in story.sees(ANA).text
    assert "passed it on" not in story.sees(ANA).text

    await story.binds()

    assert SECRET in story.sees(GROUP, "Today: needs a person", last=0).text


async def test_a_voice_message_is_shown_as_it_is(story: Story) -> None:
    """Where there are no words, staff hear it themselves."""
    await story.binds()
    await fails(story, message(BEN, "", voice={"file_id": "v", "duration": 3}))

    alert, copied = [sent for chat, sent in story.messenger.order if chat == GROUP][-2:]
    assert "(something that I could not read)" in alert.text
    assert (copied.kind, copied.from_chat, copied.message_id) == ("copy", BEN.id, 77)


async def test_a_tap_is_shown_by_its_button(story: Story) -> None:
    """An answer to a check-in that was lost on its way is one that staff may have to act on."""
    await story.binds()
    keys = {"inline_keyboard": [[{"text": "Yes, 38.5", "callback_data": "ci:1:fever:yes"}]]}
    asked = message(BEN, "Have you a fever?", reply_markup=keys)["message"]
    await fails(
        story,
        {"callback_query": {"id": "1", "from": asked["from"], "message": asked, "data": "ci:1:fever:yes"}},
    )

    assert "“Have you a fever?\n→ Yes, 38.5”" in story.sees(GROUP).text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/start 1HSHJ7BF43NVZ1C5CT39ZWYM47", "“/start …”"),
        ("1HSHJ 7BF43 NVZ1C 5CT39 ZWYM47", "(something that I could not read)"),
    ],
)
async def test_an_invitations_code_is_not_kept(story: Story, text: str, shown: str) -> None:
    """It is a secret that is stored nowhere else, and no words of the person's."""
    await story.binds()
    await fails(story, message(BEN, text))

    assert shown in story.sees(GROUP).text
    assert "1HSHJ" not in story.sees(GROUP).text


# --- danger ----------------------------------------------------------------------------------------------


async def test_a_red_flag_does_not_wait_for_another_try(story: Story) -> None:
    """Whatever failed: at the first failure the person gets the instruction and staff the alert, and that was all."""
    await story.binds()

    assert await fails(story, message(BEN, "i cant breathe properly"), 1) == [InboxState.DONE]

    assert "995" in story.sees(BEN).text
    assert "EMERGENCY" in story.sees(GROUP).text
    assert story.tools.database.call(inbox.of_chat, BEN.id) == []
    said = len(story.texts(BEN)), len(story.texts(GROUP))
    assert await fails(story, {}, 1) == [InboxState.DONE]
    assert (len(story.texts(BEN)), len(story.texts(GROUP))) == said


async def test_if_reading_for_danger_is_what_fails_people_are_told_all_the_same(
    story: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The update is tried again and then parked, and no log holds what it says."""
    await story.binds()

    def broken(*_: object) -> None:
        raise PLANTED

    monkeypatch.setattr(receive, "read_danger", broken)
    with caplog.at_level(logging.ERROR):
        assert await fails(story, message(BEN, "i cant breathe properly")) == ALL_TRIES

    assert "i cant breathe properly" in story.sees(GROUP).text
    assert "If you feel unwell now" in story.sees(BEN).text
    assert not any("breathe" in record.getMessage() for record in caplog.records)
    assert len(caplog.records) == 4


async def test_if_the_alert_is_what_fails_staff_are_told_plainly(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message without the words, whose reply reaches the person; and the person is asked to write again."""
    await story.binds()

    def broken(*_: object, **__: object) -> None:
        raise PLANTED

    monkeypatch.setattr(alarm, "open_alert", broken)
    assert await fails(story, message(BEN)) == ALL_TRIES

    assert alerts_about(story, BEN) == []
    assert "Please write to this person" in story.sees(GROUP).text
    assert SECRET not in story.sees(GROUP).text
    assert "Please write them again" in story.sees(BEN).text
    await story.staff(EVA, "Hello Ben", reply_to=story.sees(GROUP))
    assert any("Hello Ben" in text for text in story.texts(BEN))


async def test_if_all_fails_the_update_is_parked(
    story: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be said to anybody, but the update is kept for whoever mends the fault, and the log says so."""
    await story.binds()
    number = len(story.messenger.order)

    def broken(*_: object) -> None:
        raise PLANTED

    monkeypatch.setattr(groups, "of_branch", broken)
    monkeypatch.setattr(Turn, "of", broken)
    with caplog.at_level(logging.ERROR):
        assert await fails(story, message(BEN)) == ALL_TRIES

    assert len(story.messenger.order) == number
    (row,) = story.tools.database.call(inbox.of_chat, BEN.id)
    assert (row.state, row.error, row.payload) == ("parked", "KeyError", message(BEN))
    assert [record.getMessage() for record in caplog.records] == [
        "What a failed update needs could not be done."
    ] * (4 + 3)


async def test_a_database_that_is_away_is_no_failure_of_the_update(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is counted against it, and whoever called hears of it."""

    def away(*_: object) -> None:
        raise DatabaseAway("away")

    with monkeypatch.context() as patch:
        patch.setattr(receive, "read_danger", away)
        with pytest.raises(DatabaseAway):
            await fails(story, message(BEN), 1)

    assert await fails(story, {}) == ALL_TRIES


# --- Telegram away ---------------------------------------------------------------------------------------


async def test_while_telegram_cannot_be_asked_nobody_is_told_anything(story: Story) -> None:
    """Up to an hour it is no failure of the update's; then it counts, and whoever must know of it is told."""
    await story.binds()
    number = len(story.messenger.order)
    arrival = Arrival(update_id=7, chat_id=GROUP, payload=in_group("/treated A1"))
    story.tools.database.call(inbox.store, [arrival], story.now)

    def failed() -> InboxState:
        pause = timedelta(seconds=30)
        return story.tools.database.call(park.failed, story.tools, 7, "TimedOut", story.now, pause)

    for _ in range(9):
        assert failed() == InboxState.WAITING
        story.now += timedelta(minutes=6)
    await story.deliver()
    assert len(story.messenger.order) == number
    story.now += timedelta(minutes=6)
    assert [failed() for _ in range(4)] == ALL_TRIES
    await story.deliver()

    assert "That did not work" in story.sees(GROUP).text


async def test_what_waits_for_telegram_and_belongs_to_nobody_waits_too(story: Story) -> None:
    """It is the same for an update in which nobody can see a person."""
    arrival = Arrival(update_id=7, chat_id=None, payload={})
    story.tools.database.call(inbox.store, [arrival], story.now)
    pause = timedelta(seconds=30)

    states = [
        story.tools.database.call(park.failed, story.tools, 7, "TimedOut", story.now, pause) for _ in range(9)
    ]

    assert set(states) == {InboxState.WAITING}


async def test_danger_does_not_wait_for_telegram(story: Story) -> None:
    """Whatever a handler wanted to ask first: at the first failure a red flag is acted on."""
    await story.binds()
    arrival = Arrival(update_id=7, chat_id=BEN.id, payload=message(BEN, "i cant breathe properly"))
    story.tools.database.call(inbox.store, [arrival], story.now)

    state = story.tools.database.call(
        park.failed, story.tools, 7, "TimedOut", story.now, timedelta(seconds=30)
    )
    await story.deliver()

    assert state == InboxState.DONE
    assert "995" in story.sees(BEN).text


# --- nobody to tell --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"my_chat_member": {"chat": {"id": BEN.id, "type": "private"}, "from": {"id": BEN.id}}},
        {"message": {"text": "who?"}},
        {"channel_post": {"chat": {"id": -7, "type": "channel"}, "text": "news"}},
        {"message": {"chat": {"id": -7, "type": "channel"}, "text": "news"}},
    ],
)
async def test_what_nobody_waits_for_is_parked_in_silence(story: Story, raw: dict[str, Any]) -> None:
    """There is no one to be told, or nothing that they wanted."""
    await story.binds()
    number = len(story.messenger.order)

    arrival = Arrival(update_id=1234, chat_id=None, payload=raw)
    story.tools.database.call(inbox.store, [arrival], story.now)
    states = [
        story.tools.database.call(park.failed, story.tools, 1234, "KeyError", story.now) for _ in range(4)
    ]
    await story.deliver()

    assert states == ALL_TRIES
    assert len(story.messenger.order) == number


async def test_a_failure_of_what_was_handled_is_none(story: Story) -> None:
    """An update that was done after all, or never came, is not put back and nobody is told."""
    incoming = await story.private(BEN, text="does it hurt?")
    number = len(story.messenger.order)

    for update_id in (incoming.update_id, 404):
        state = story.tools.database.call(park.failed, story.tools, update_id, "KeyError", story.now)
        assert state == InboxState.DONE
    await story.deliver()

    assert len(story.messenger.order) == number


# --- groups ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        in_group("/treated A1"),
        in_group("yes, come at nine", reply_to_message={"message_id": 5}),
        in_group("/setup ABCD", chat=-9),  # not bound yet: this is how it would be
    ],
)
async def test_staff_are_asked_to_try_again(story: Story, raw: dict[str, Any]) -> None:
    """What somebody wanted of the bot in a group gets an answer there, under it."""
    await story.binds()
    chat = raw["message"]["chat"]["id"]
    assert await fails(story, raw) == ALL_TRIES

    shown = story.sees(chat)
    assert "That did not work" in shown.text
    assert shown.outgoing.reply_to == 77


async def test_a_tap_in_the_group_that_failed_is_told_there(story: Story) -> None:
    """A tap is a wish as well."""
    await story.binds()
    asked = in_group("Alert")["message"]
    await fails(story, {"callback_query": {"id": "1", "message": asked, "data": "al:1:ack"}})

    assert "That did not work" in story.sees(GROUP).text


@pytest.mark.parametrize("raw", [in_group("lunch?"), in_group("/treated A1", chat=-9)])
async def test_other_talk_in_groups_is_left_alone(story: Story, raw: dict[str, Any]) -> None:
    """Chatter, and groups that are none of ours."""
    await story.binds()
    number = len(story.messenger.order)

    assert await fails(story, raw) == ALL_TRIES

    assert len(story.messenger.order) == number
