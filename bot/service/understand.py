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

#: The rule's name when no rule found a sign, but the message is like known reports of one.
SECOND_OPINION = "second opinion"
#: Both topics of a message that asks two things are among so many guesses about the whole of it.
_SPOKEN_OF = 3
#: If less than this speaks for a second topic, the message asks one thing.
_SOMETHING = 0.001


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
    danger: Danger | None = None,
) -> Understanding:
    """Return what *text* is; red flags are looked for first, in every language.

    circumstances: where and when the person was treated. before: what the bot said last in this chat. danger: what
    `read_danger` made of *text*, if it has been read already; then *circumstances* count no more.
    """
    danger = danger or read_danger(library, mind, text, circumstances)
    if danger.finding is not None:
        return Understanding(kind="red_flag", finding=danger.finding)
    if before is not None and (topic := chosen(text, before, language.small_words)) is not None:
        return Understanding(kind="answer", decision=Decision(answer=topic, confidence=1.0))
    said = normalise(text).strip(" .!?")
    for id_, talk in language.small_talk.items():
        if said in talk.asks:
            return Understanding(kind="smalltalk", small_talk=id_)
    decision = _decide(language, mind, text, before)
    if danger.suspicion is not None and (danger.serious or decision.answer is None):
        # "Contact the clinic today" needs no question first; "call the ambulance" does.
        asks = danger.suspicion.urgency is Urgency.EMERGENCY
        return Understanding(
            kind="check" if asks else "red_flag", finding=danger.suspicion, confidence=danger.likely
        )
    if decision.talk is not None:
        kinds = (id_ for id_, talk in language.small_talk.items() if decision.talk in talk.asks)
        return Understanding(
            kind="smalltalk", small_talk=next(kinds), decision=decision, confidence=decision.confidence
        )
    kind: Kind = "answer" if decision.answer else "offer" if decision.offers else "hand_over"
    return Understanding(
        kind=kind, doubt=danger.doubt or danger.suspicion, decision=decision, confidence=decision.confidence
    )


@dataclass(frozen=True, kw_only=True)
class Danger:
    """What speaks for danger in a message.

    finding: must be acted on. suspicion: ask the patient; if the words are a clear question of the FAQ and it is not
    serious, answer that and add what to do for somebody who has this now. doubt: only asked about. likely: 0 to 1.
    """

    finding: Finding | None = None
    suspicion: Finding | None = None
    serious: bool = False
    doubt: Finding | None = None
    likely: float = 0.0

    @property
    def at_once(self) -> Finding | None:
        """The red flag that must be acted on before all else, if there is one.

        What only the second opinion finds, and what can wait for today, comes after an answer to an open check-in:
        "it's an 8" is one. `understand` acts on it.
        """
        found = self.finding
        if found is not None and found.rule == SECOND_OPINION and found.urgency < Urgency.EMERGENCY:
            return None
        return found


def read_danger(library: Library, mind: Mind, text: str, circumstances: Circumstances = UNKNOWN) -> Danger:
    """Weigh what the rules find in *text*, in whichever language, and what the second opinion says.

    A rule is enough, if it is not a weak one. A weak rule is enough if the words are also like known reports of danger.
    Words that are like them for certain are enough without a rule, unless they only ask or suppose: on lines kept apart
    the rules alone met 87 of 100 emergencies, with the second opinion 97. Short of that, the patient is asked: "do you
    have this now?" Nothing that a rule finds for sure is ever taken back.
    """
    words = _without_codes(text)
    if not words:
        return Danger()
    reported, asked = _read(library, words, circumstances)
    for_sure = _most_urgent(found for found in reported if not found.weak)
    if for_sure is not None and for_sure.urgency is Urgency.EMERGENCY:
        return Danger(finding=for_sure)
    opinion, doubt = mind.on_danger(words), _most_urgent(asked)
    if opinion is None:
        return Danger(finding=_most_urgent(reported), doubt=doubt)
    like = Finding(
        red_flag=opinion.first.topic,
        urgency=library.urgencies[opinion.first.topic],
        rule=SECOND_OPINION,
        because=(opinion.first.nearest,),
    )
    counted = [finding for finding in reported if not finding.weak or opinion.possible]
    if opinion.certain and doubt is None:
        counted.append(like)
    finding = _most_urgent(counted)
    if finding is not None:
        return Danger(finding=finding, likely=opinion.likely)
    suspicion = _most_urgent(reported)
    if suspicion is None and opinion.sure and doubt is None:
        suspicion = _most_urgent([like])
    serious = suspicion is not None and suspicion.weak and not opinion.hopeless
    return Danger(suspicion=suspicion, serious=serious, doubt=doubt, likely=opinion.likely)


def _without_codes(text: str) -> str:
    """Return *text* without invitations' codes: they are no words of a patient's, whatever stands in them by chance."""
    words = " ".join(word for word in text.split() if read_code(word, INVITE_LENGTH) is None)
    return "" if read_code(words, INVITE_LENGTH) else words


def _read(library: Library, words: str, circumstances: Circumstances) -> tuple[list[Finding], list[Finding]]:
    """Return the signs that *words* report in any language, and those that they only ask about or suppose."""
    found: list[Finding] = []
    asked: list[Finding] = []
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
    if len(whole.guesses) < 2 or whole.guesses[1].score < _SOMETHING:
        return None
    spoken_of = {guess.topic for guess in whole.guesses[:_SPOKEN_OF]}
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
    """Read a short follow-up together with the topic that was answered before it.

    One that names what it asks about ("and for swimming?") is first read by itself; "how long?" is not.
    """
    rest = leaning(text, language.small_words)
    if rest is None:
        return None
    if rest not in language.small_words.bare:
        if decision.answer is not None and rest == normalise(text).strip(" .!?"):
            return None
        alone = mind.topics.decide(rest)
        if alone.answer is not None:
            return alone
    known = language.topics[topic]
    together = mind.topics.decide(f"{known.title} {rest}")
    near = {topic, *known.follow_ups, *(other.id for other in language.area_topics(known.area))}
    return together if together.answer in near else None
