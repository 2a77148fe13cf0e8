"""A matcher that decides as a test tells it, so that a story does not hang on what was learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.triage import RedFlag, Rule, Ruleset, Urgency
from bot.matching.matcher import Decision, Guess, Matcher, Opinion
from bot.matching.mind import Mind
from bot.service.ports import Tools


class Scripted(Matcher):
    """Decides as it was *told* for the lines it knows; for all else nothing is found, or *other* decides."""

    def __init__(self, told: Mapping[str, Decision], other: Matcher | None = None) -> None:
        """Answer these lines, as they are typed."""
        self._told, self._other = told, other

    def decide(self, text: str) -> Decision:
        """Return what was told."""
        if text not in self._told and self._other is not None:
            return self._other.decide(text)
        return self._told.get(text, Decision())


class Suspicious(Matcher):
    """Holds an opinion of the lines it was told of; of all else, that it is like no report of danger."""

    def __init__(self, told: Mapping[str, Opinion]) -> None:
        """Hold these opinions, of lines as they are typed."""
        self._told = told

    def opinion(self, text: str) -> Opinion:
        """Return what was told."""
        return self._told.get(text, like("breathing", 0.01, possible=False, sure=False, hopeless=True))


def like(
    red_flag: str,
    likely: float = 0.8,
    *,
    hopeless: bool = False,
    possible: bool = True,
    sure: bool = True,
    certain: bool = False,
) -> Opinion:
    """Return the opinion that a line is like the reports of a red flag."""
    nearest = Guess(topic=red_flag, score=likely, nearest=f"known report of {red_flag}")
    return Opinion(
        first=nearest, likely=likely, hopeless=hopeless, possible=possible, sure=sure, certain=certain
    )


def answer(topic: str, confidence: float = 0.9) -> Decision:
    """Return the decision for one topic."""
    guesses = (Guess(topic=topic, score=confidence, nearest=f"like {topic}"),)
    return Decision(answer=topic, confidence=confidence, guesses=guesses)


def offer(*topics: str) -> Decision:
    """Return the decision to offer topics."""
    guesses = tuple(Guess(topic=topic, score=0.4, nearest=f"like {topic}") for topic in topics)
    return Decision(offers=topics, confidence=0.4, guesses=guesses)


def taught(
    tools: Tools,
    topics: Mapping[str, Decision] | None = None,
    danger: Mapping[str, Opinion] | None = None,
) -> Tools:
    """Return *tools* that decide these lines so; other lines are decided as before, and are like no danger."""
    mind = tools.minds["en"]
    own = Mind(Scripted(topics or {}, mind.topics), Suspicious(danger or {}))
    return replace(tools, minds={**tools.minds, "en": own})


def with_rules(tools: Tools, *rules: Rule, asks: tuple[str, ...] = ()) -> Tools:
    """Return *tools* that know one sign, trouble breathing, by these rules only; *asks* is how questions begin."""
    flag = RedFlag(id="breathing", urgency=Urgency.EMERGENCY, rules=rules)
    ruleset = Ruleset.of([flag], context={"question.openers": asks})
    language = replace(tools.library.languages["en"], rules=ruleset)
    library = replace(tools.library, languages={**tools.library.languages, "en": language})
    return replace(tools, library=library)
