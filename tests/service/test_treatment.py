"""Tests of what is known of a treatment: its place and its hour reach the red flags, a stranger's do not exist."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.message import Incoming, Sender
from bot.domain.triage import UNKNOWN, Circumstances, Rule
from bot.service.treatment import circumstances_of
from bot.service.turn import Turn
from bot.storage.database import Session
from tests.kit.scripted import with_rules
from tests.kit.story import ANA, BEN, GROUP, Person, Story


def known_of(story: Story, person: Person) -> Circumstances:
    """Return what is known while this person writes."""
    incoming = Incoming(update_id=9999, chat_id=person.id, sender=Sender(id=person.id, name=person.name))

    def look(session: Session) -> Circumstances:
        return circumstances_of(Turn.of(session, story.tools, incoming, story.now))

    return story.tools.database.call(look)


async def test_of_a_stranger_nothing_is_known(story: Story) -> None:
    """Also while others are patients."""
    await story.enrols(ANA)

    assert known_of(story, BEN) == UNKNOWN


async def test_place_and_hours_of_a_treatment(story: Story) -> None:
    """All places that were treated, and the hours since it ended, with their parts."""
    await story.enrols(ANA, regions=("upper_back", "neck"), treated_at=story.now - timedelta(minutes=90))
    story.now += timedelta(hours=2)

    assert known_of(story, ANA) == Circumstances(regions=frozenset({"upper_back", "neck"}), hours=3.5)


async def test_the_newest_treatment_counts(story: Story) -> None:
    """A later one takes the place of the earlier one."""
    await story.enrols(ANA, regions=("neck",))
    story.now += timedelta(days=3)
    await story.enrols(ANA, "A2000", regions=("calf",))
    story.now += timedelta(hours=1)

    assert known_of(story, ANA) == Circumstances(regions=frozenset({"calf"}), hours=1)


FLUTTER = Rule(id="flutter", parts=(("odd flutter",),), treated=frozenset({"upper_back"}), hours=(0, 48))


@pytest.fixture
def flutter(story: Story) -> Story:
    """Tell a story in which an odd flutter is danger for two days after the upper back was treated."""
    return replace(story, tools=with_rules(story.tools, FLUTTER))


async def test_a_sign_for_one_place_and_time_is_found_in_the_treated_patient(flutter: Story) -> None:
    """The rule asks for place and time, and the patient's own are known."""
    await flutter.binds()
    await flutter.enrols(ANA, regions=("upper_back",))
    await flutter.later(hours=5)
    await flutter.says(ANA, "got an odd flutter")

    assert "995" in flutter.sees(ANA).text
    assert "odd flutter" in flutter.sees(GROUP).text


async def test_the_same_words_of_a_stranger_are_no_sign(flutter: Story) -> None:
    """Nothing is known of them, so a rule that must know does not apply."""
    await flutter.binds()
    await flutter.says(BEN, "got an odd flutter")

    assert not any("EMERGENCY" in text for text in flutter.texts(GROUP))
    assert "995 now" not in flutter.sees(BEN).text


@pytest.mark.parametrize(("regions", "hours"), [(("calf",), 5), (("upper_back",), 72)])
async def test_another_place_or_another_time_is_no_sign(
    flutter: Story, regions: tuple[str, ...], hours: int
) -> None:
    """A calf, or three days later: the rule does not apply."""
    await flutter.binds()
    await flutter.enrols(ANA, regions=regions)
    flutter.now += timedelta(hours=hours)
    await flutter.says(ANA, "got an odd flutter")

    assert not any("odd flutter" in text and "EMERGENCY" in text for text in flutter.texts(GROUP))
