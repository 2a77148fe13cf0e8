"""Tests of delivery: each outcome recorded, in order, paced, and nothing sent more often than allowed."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.message import Outgoing, Priority
from bot.domain.pacing import Pacer
from bot.service import deliver
from bot.service.ports import Gone, Moved, Refused, TryLater, Unknown
from bot.storage import groups, outbox, overview
from bot.storage.outbox import OutboxState
from tests.kit.story import ANA, BEN, EVA, GROUP, Story


def put(story: Story, chat: int, text: str, priority: Priority = Priority.REPLY, **more: object) -> None:
    """Put a message in line."""
    story.tools.database.call(
        outbox.add,
        chat,
        Outgoing(text=text),
        story.now,
        priority=priority,
        **more,  # type: ignore[arg-type]
    )


def sent(story: Story) -> list[str]:
    """Return the texts that left, in order."""
    return [message.text for _chat, message in story.messenger.order]


def count(story: Story, state: OutboxState) -> int:
    """Return how many messages are in a state."""
    return story.tools.database.call(overview.states).outbox.get(state, 0)


async def test_a_failed_connection_is_tried_again_later_and_once_only(story: Story) -> None:
    """Nothing reached Telegram: wait, try again, arrive once."""
    story.messenger.outcomes[1] = [TryLater(reason="down"), TryLater(reason="down")]
    put(story, 1, "hello")
    await story.deliver()
    assert sent(story) == []
    for _ in range(3):
        story.now += timedelta(seconds=6)
        await story.deliver()

    assert sent(story) == ["hello"]


async def test_order_holds_within_a_chat_while_another_goes_on(story: Story) -> None:
    """A message that waits for another try holds up its own chat only."""
    story.messenger.outcomes[1] = [TryLater(reason="down")]
    put(story, 1, "first")
    put(story, 1, "second")
    put(story, 2, "other")
    await story.deliver()
    assert sent(story) == ["other"]
    story.now += timedelta(seconds=10)
    await story.deliver()

    assert sent(story) == ["other", "first", "second"]


async def test_a_message_of_unknown_fate_is_repeated_once_and_never_more(story: Story) -> None:
    """Promise 2: the answer was lost, so the message goes once more, and that is all."""
    story.messenger.outcomes[1] = [Unknown(reason="lost"), Unknown(reason="lost"), Unknown(reason="lost")]
    put(story, 1, "hello")
    for _ in range(5):
        await story.deliver()
        story.now += timedelta(minutes=5)

    assert len(story.messenger.outcomes[1]) == 1
    assert count(story, OutboxState.UNKNOWN) == 1


async def test_429_stops_everybody_for_as_long_as_told(story: Story) -> None:
    """retry_after is obeyed to the second, by all chats."""
    pacer = Pacer(30)
    story.messenger.outcomes[1] = [TryLater(reason="429", after=timedelta(seconds=7), everyone=True)]
    put(story, 1, "one")
    await deliver.batch(story.tools, story.messenger, pacer, story.now, 0.0)
    put(story, 2, "two")
    await deliver.batch(story.tools, story.messenger, pacer, story.now + timedelta(seconds=6.9), 6.9)
    assert sent(story) == []

    await deliver.batch(story.tools, story.messenger, pacer, story.now + timedelta(seconds=7.1), 7.1)

    assert sorted(sent(story)) == ["one", "two"]


async def test_danger_leaves_before_everything_else(story: Story) -> None:
    """An instruction passes the check-ins that were in line before it."""
    for number in range(5):
        put(story, 100 + number, f"check-in {number}", Priority.CHECK_IN)
    put(story, 1, "call 995", Priority.DANGER)
    await deliver.batch(story.tools, story.messenger, Pacer(30), story.now, 0.0, limit=16)

    assert sent(story)[0] == "call 995"


async def test_a_blocked_patient_is_marked_and_the_rest_cancelled(story: Story) -> None:
    """Gone: pending messages fall away, staff are told, others go on."""
    await story.binds()
    await story.enrols(ANA)
    story.messenger.outcomes[ANA.id] = [Gone(reason="Forbidden: bot was blocked by the user")]
    put(story, ANA.id, "one")
    put(story, ANA.id, "two")
    put(story, BEN.id, "other")
    await story.deliver()

    assert "other" in sent(story)
    assert "two" not in sent(story)
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
    put(story, 1, "late", useful_until=story.now + timedelta(hours=1))
    story.now += timedelta(hours=2)
    await story.deliver()

    assert sent(story) == []
    assert count(story, OutboxState.EXPIRED) == 1


async def test_an_endless_failure_is_given_up_after_a_day(story: Story) -> None:
    """A message that nobody could send for 24 hours ends, with staff told."""
    await story.binds()
    await story.enrols(ANA)
    put(story, ANA.id, "one")
    for _ in range(30):
        story.messenger.outcomes[ANA.id] = [TryLater(reason="down")]
        await story.deliver()
        story.now += timedelta(hours=1)

    assert count(story, OutboxState.EXPIRED) == 1
    assert "could not be delivered" in story.sees(GROUP).text


async def test_a_crash_between_sending_and_recording_repeats_once(story: Story) -> None:
    """A claimed message whose process died goes again when the lease has ended, once."""
    put(story, 1, "hello")
    for _ in range(4):
        story.tools.database.call(outbox.recover, story.now)
        story.tools.database.call(outbox.claim, story.now, timedelta(seconds=60), 10)
        story.now += timedelta(minutes=2)
    story.tools.database.call(outbox.recover, story.now)

    assert count(story, OutboxState.UNKNOWN) == 1
