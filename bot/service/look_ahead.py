"""Looking ahead in a backlog: who has a sign of danger among what waits, and so goes first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.message import TEXT_LIMIT, Incoming
from bot.domain.raw import glance
from bot.domain.text import normalise
from bot.domain.triage import Urgency
from bot.service.ports import Tools
from bot.service.understand import read_danger
from bot.storage import inbox_line

log = logging.getLogger(__name__)

#: So many chats go first at a time; the others of them follow.
MOST = 100


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """Something urgent that waits at a place in the line (`seq`)."""

    seq: int
    chat_id: int
    urgency: Urgency


class LookAhead:
    """Which chats go first: those with a sign of danger among what waits, and staff who see to an alert.

    Each update is looked at once. What was found is kept in memory only, until the update has been handled.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._newest = 0
        self._known: set[int] = set()
        self._signs: list[_Sign] = []

    async def look(self, now: datetime) -> bool:
        """Look at the next page of what waits, and tell whether there may be more.

        Whoever stored it, it is read from the database; and in another thread, so that nobody waits for it.
        """
        # To read is right whatever others write meanwhile.
        page = await self._tools.database.run_beside(inbox_line.look_ahead, self._newest, self._known)
        if page:
            self._signs += await asyncio.to_thread(lambda: list(self._signs_on(page, now)))
            self._newest = max(self._newest, page[-1].seq)
            self._known.update(row.seq for row in page)
            self._known = {seq for seq in self._known if seq > self._newest - inbox_line.MARGIN}
        return len(page) == inbox_line.LOOK

    def first(self, busy: Collection[int]) -> dict[int, int]:
        """Return the chats that go first and are not *busy*, each with the place of its last sign in the line (`seq`).

        The most urgent come first, then those that wait longest.
        """
        until: dict[int, int] = {}
        for sign in sorted(self._signs, key=lambda sign: (-sign.urgency.rank, sign.seq)):
            if sign.chat_id in until or (sign.chat_id not in busy and len(until) < MOST):
                until[sign.chat_id] = max(sign.seq, until.get(sign.chat_id, 0))
        return until

    def forget_handled(self, first: Collection[int], oldest: Mapping[int, int]) -> None:
        """Forget what no longer waits: *oldest* is where the line of each of the chats *first* begins, if it has one."""
        self._signs = [
            sign
            for sign in self._signs
            if sign.chat_id not in first or sign.seq >= oldest.get(sign.chat_id, sign.seq + 1)
        ]

    def forget(self) -> None:
        """Forget everything: nothing waits any more."""
        self._newest, self._known, self._signs = 0, set(), []

    def _signs_on(self, page: Sequence[Any], now: datetime) -> Iterator[_Sign]:
        for seq, update_id, chat_id, payload in page:
            if chat_id is None:
                continue
            try:
                urgency = urgency_of(self._tools, update_id, payload, now)
            except Exception as error:  # whatever it is, it keeps its place in the line
                what = type(error).__name__  # what the error says may quote a person
                log.error("An update could not be looked at: %s.", what, extra={"action": "inbox"})
                continue
            if urgency is not None:
                yield _Sign(seq=seq, chat_id=chat_id, urgency=urgency)


def urgency_of(tools: Tools, update_id: int, payload: object, now: datetime) -> Urgency | None:
    """Return how urgent a raw update is, at a glance; None if it can wait for its turn.

    Words: a red flag that the rules find, in any language. Where they find none, nobody asks for a second opinion,
    which takes five times as long: one emergency in twenty keeps its turn. Nothing is known of the treatment. Taps: an
    answer to a check-in that is a red flag, a yes to "do you have this now?" (also typed), and what staff tap under an
    alert.
    """
    seen = glance(update_id, payload)
    incoming = seen.incoming
    if incoming is None:
        return None
    name, *rest = (incoming.data or "").split(":")
    if seen.group:
        return Urgency.SAME_DAY if name == "al" else None
    if not seen.private:
        return None
    if incoming.data is None:
        return _of_words(tools, incoming) or _of_yes(tools, incoming, now)
    match name, rest:
        case "ci", [_, question, value]:
            return _of_answer(tools, question, value)
        case "chk", [red_flag, "yes"]:
            return tools.library.urgencies.get(red_flag)
    return None


def _of_words(tools: Tools, incoming: Incoming) -> Urgency | None:
    words = incoming.text[:TEXT_LIMIT]  # Telegram's own are no longer, and reading takes time
    found = (sign for known in tools.library.languages.values() for sign in known.rules.read(words)[0])
    if all(sign.urgency < Urgency.SAME_DAY for sign in found):
        return None
    # "I can't breathe" meets weak rules only; whether they count is decided where the answer is.
    mind = tools.minds[tools.library.language(incoming.sender.language).code]
    finding = read_danger(tools.library, mind, words).finding
    return finding.urgency if finding is not None else None


def _of_yes(tools: Tools, incoming: Incoming, now: datetime) -> Urgency | None:
    before = tools.recent.recall(incoming.chat_id, now)
    if before is None or before.kind != "check":
        return None
    said = normalise(incoming.text[:TEXT_LIMIT]).strip(" .!")
    yes = any(said in language.small_words.yes for language in tools.library.languages.values())
    return tools.library.urgencies.get(before.about[0]) if yes else None


def _of_answer(tools: Tools, question_id: str, value: str) -> Urgency | None:
    question = tools.library.plans.questions.get(question_id)
    if question is None or value not in question.values():
        return None
    return tools.library.urgencies.get(question.option_for(value).red_flag or "")
