"""Understanding a message: a red flag, small talk, a topic, a few topics, or nothing the bot may answer.

The one seam for it: chats and `aftercare ask` see the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bot.content.library import Language, Library
from bot.domain.code import INVITE_LENGTH, read_code
from bot.domain.matching import Decision, Matcher
from bot.domain.text import normalise
from bot.domain.triage import Finding, Urgency, doubts, triage

Kind = Literal["red_flag", "smalltalk", "answer", "offer", "hand_over"]


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What a message is, and why.

    finding: the red flag, if it is one. doubt: a sign of danger that it only asks about or supposes; the reply
    then says what to do for somebody who has it now. decision: what the matcher made of it, if it was asked.
    """

    kind: Kind
    finding: Finding | None = None
    doubt: Finding | None = None
    small_talk: str | None = None
    decision: Decision = field(default_factory=Decision)


def understand(library: Library, language: Language, matcher: Matcher, text: str) -> Understanding:
    """Return what *text* is; red flags are looked for first, in every language."""
    finding = find_red_flag(library, text)
    if finding is not None:
        return Understanding(kind="red_flag", finding=finding)
    said = normalise(text).strip(" .!?")
    for id_, talk in language.small_talk.items():
        if said in talk.asks:
            return Understanding(kind="smalltalk", small_talk=id_)
    asked_about = [doubt for known in library.languages.values() for doubt in doubts(text, known.rules)]
    decision = matcher.decide(text)
    kind: Kind = "answer" if decision.answer else "offer" if decision.offers else "hand_over"
    return Understanding(kind=kind, doubt=_most_urgent(asked_about), decision=decision)


def find_red_flag(library: Library, words: str) -> Finding | None:
    """Return the most urgent red flag in *words* that must be acted on, in whichever language, or None.

    An invitation's code is no word of a patient's, whatever stands in it by chance.
    """
    words = " ".join(word for word in words.split() if read_code(word, INVITE_LENGTH) is None)
    if not words or read_code(words, INVITE_LENGTH):
        return None
    found = [triage(words, language.rules) for language in library.languages.values()]
    return _most_urgent([finding for finding in found if finding is not None])


def _most_urgent(found: list[Finding]) -> Finding | None:
    serious = [finding for finding in found if finding.urgency >= Urgency.SAME_DAY]
    return max(serious, key=lambda finding: finding.urgency, default=None)
