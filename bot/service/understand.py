"""Understanding a message: a red flag, small talk, a topic or two, a few to choose from, or nothing the bot may answer.

The one seam for it: chats and `aftercare ask` see the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.content.library import Language, Library
from bot.domain.code import INVITE_LENGTH, read_code
from bot.domain.conversation import Before, chosen, leaning, parts
from bot.domain.text import normalise
from bot.domain.triage import UNKNOWN, Circumstances, Finding, Urgency
from bot.matching.matcher import Decision
from bot.matching.mind import Mind

Kind = Literal["red_flag", "check", "smalltalk", "answer", "offer", "hand_over"]

#: The rule's name when no rule found a sign, but the message is like those that report one.
SECOND_OPINION = "second opinion"


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What a message is, and why.

    finding: the red flag, if it is one, or ("check") the one that it is like. doubt: a sign of danger that it only
    asks about or supposes; the reply then says what to do for somebody who has it now. decision: what the matcher
    made of it, if it was asked. confidence: 0 to 1.
    """

    kind: Kind
    finding: Finding | None = None
    doubt: Finding | None = None
    small_talk: str | None = None
    decision: Decision = field(default_factory=Decision)
    confidence: float = 1.0


def understand(
    library: Library,
    language: Language,
    mind: Mind,
    text: str,
    *,
    circumstances: Circumstances = UNKNOWN,
    before: Before | None = None,
) -> Understanding:
    """Return what *text* is; red flags are looked for first, in every language.

    circumstances: where and when the person was treated. before: what the bot said last in this chat.
    """
    found, asked_about = _read(library, text, circumstances)
    finding = _most_urgent(found)
    if finding is not None:
        return Understanding(kind="red_flag", finding=finding)
    if before is not None and (topic := chosen(text, before, language.small_words)) is not None:
        return Understanding(kind="answer", decision=Decision(answer=topic, confidence=1.0))
    said = normalise(text).strip(" .!?")
    for id_, talk in language.small_talk.items():
        if said in talk.asks:
            return Understanding(kind="smalltalk", small_talk=id_)
    doubt = _most_urgent(asked_about)
    suspicion = mind.suspects(text) if doubt is None else None
    if suspicion is not None and library.urgencies[suspicion.red_flag] >= Urgency.SAME_DAY:
        finding = Finding(
            red_flag=suspicion.red_flag,
            urgency=library.urgencies[suspicion.red_flag],
            rule=SECOND_OPINION,
            because=(suspicion.like,),
        )
        return Understanding(kind="check", finding=finding, confidence=suspicion.likely)
    decision = _decide(language, mind, text, before)
    if decision.talk is not None:
        kinds = (id_ for id_, talk in language.small_talk.items() if decision.talk in talk.asks)
        return Understanding(
            kind="smalltalk", small_talk=next(kinds), decision=decision, confidence=decision.confidence
        )
    kind: Kind = "answer" if decision.answer else "offer" if decision.offers else "hand_over"
    return Understanding(kind=kind, doubt=doubt, decision=decision, confidence=decision.confidence)


def find_red_flag(library: Library, words: str, circumstances: Circumstances = UNKNOWN) -> Finding | None:
    """Return the most urgent red flag in *words* that must be acted on, in whichever language, or None."""
    return _most_urgent(_read(library, words, circumstances)[0])


def _read(library: Library, words: str, circumstances: Circumstances) -> tuple[list[Finding], list[Finding]]:
    """Return the signs that *words* report, and those that they only ask about or suppose.

    An invitation's code is no word of a patient's, whatever stands in it by chance.
    """
    words = " ".join(word for word in words.split() if read_code(word, INVITE_LENGTH) is None)
    found: list[Finding] = []
    asked: list[Finding] = []
    if not words or read_code(words, INVITE_LENGTH):
        return found, asked
    for language in library.languages.values():
        reported, supposed = language.rules.read(words, circumstances)
        found += reported
        asked += supposed
    return found, asked


def _most_urgent(found: Iterable[Finding]) -> Finding | None:
    serious = [finding for finding in found if finding.urgency >= Urgency.SAME_DAY]
    return max(serious, key=lambda finding: finding.urgency, default=None)


def _decide(language: Language, mind: Mind, text: str, before: Before | None) -> Decision:
    """Return what the matcher makes of *text*: by itself, of its two parts, or after what came before."""
    decision = mind.topics.decide(text)
    if decision.talk is not None:
        return decision
    both = _two_questions(language, mind, text, decision)
    if both is not None:
        return both
    if before is not None and before.kind == "answer" and before.about[0] in language.topics:
        return _after(language, mind, text, before.about[0], decision) or decision
    return decision


def _two_questions(language: Language, mind: Mind, text: str, whole: Decision) -> Decision | None:
    """Return both answers, if *text* asks two things: each part is clear by itself, and the whole speaks of both."""
    spoken_of = {guess.topic for guess in whole.guesses}
    answered: dict[str, Decision] = {}
    for part in parts(text, language.small_words.joints):
        decision = mind.topics.decide(part)
        if decision.answer is not None and decision.answer in spoken_of:
            answered.setdefault(decision.answer, decision)
    if len(answered) != 2:
        return None
    first, second = answered.values()
    return replace(
        whole,
        answer=first.answer,
        also=second.answer,
        offers=(),
        confidence=min(first.confidence, second.confidence),
    )


def _after(language: Language, mind: Mind, text: str, topic: str, decision: Decision) -> Decision | None:
    """Read a short follow-up together with the topic that was answered before it."""
    rest = leaning(text, language.small_words)
    if rest is None or (decision.answer is not None and rest == normalise(text).strip(" .!?")):
        return None
    alone = mind.topics.decide(rest)
    if alone.answer is not None:
        return alone
    known = language.topics[topic]
    together = mind.topics.decide(f"{known.title} {rest}")
    near = {topic, *known.follow_ups, *(other.id for other in language.area_topics(known.area))}
    return together if together.answer in near else None
