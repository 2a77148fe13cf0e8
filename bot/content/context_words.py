"""The words of `red_flags.yaml` that take a sign back: their shape, and their names for the filters."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Phrase = Annotated[str, Field(min_length=1, max_length=200)]
Phrases = tuple[Phrase, ...]


class Part(BaseModel):
    """A part of the file: it cannot be changed, and a slip in a key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DenialWords(Part):
    """Words that deny what follows, and how far they reach. See the comments of `faq/en/red_flags.yaml`."""

    no_words: Phrases = ()
    no_bridge: Phrases = ()
    not_words: Phrases = ()
    not_bridge: Phrases = ()
    exceptions: Phrases = ()
    undone: Phrases = ()
    after: Phrases = ()
    joins: Phrases = ()
    near: Phrases = ()
    complaints: Phrases = ()
    fresh: Phrases = ()


class QuestionWords(Part):
    """Words that open a question about what might happen."""

    openers: Phrases = ()
    exceptions: Phrases = ()
    is_: Phrases = Field(default=(), alias="is")
    after: Phrases = ()
    mine: Phrases = ()
    owned: Phrases = ()


class OpenerWords(Part):
    """Words that open something, and longer phrases that contain them and do not."""

    words: Phrases = ()
    exceptions: Phrases = ()


class PastWords(Part):
    """Words that put a sign into the past, and words that bring it back."""

    words: Phrases = ()
    undone: Phrases = ()


class ContextWords(Part):
    """The words of the filters: what takes a sign back."""

    turns: Phrases = ()
    divides: Phrases = ()
    idioms: Phrases = ()
    denial: DenialWords = DenialWords()
    question: QuestionWords = QuestionWords()
    supposed: OpenerWords = OpenerWords()
    present: OpenerWords = OpenerWords()
    past: PastWords = PastWords()

    def cues(self) -> dict[str, Phrases]:
        """Return the word lists under the names that `bot.domain.triage_filters.CUES` gives them."""
        denial, question = self.denial, self.question
        return {
            "turns": self.turns,
            "divides": self.divides,
            "idioms": self.idioms,
            "denial.no": denial.no_words,
            "denial.no_bridge": denial.no_bridge,
            "denial.not": denial.not_words,
            "denial.not_bridge": denial.not_bridge,
            "denial.except": denial.exceptions,
            "denial.undone": denial.undone,
            "denial.after": denial.after,
            "denial.joins": denial.joins,
            "denial.near": denial.near,
            "denial.complaints": denial.complaints,
            "denial.fresh": denial.fresh,
            "question.openers": question.openers,
            "question.except": question.exceptions,
            "question.is": question.is_,
            "question.after": question.after,
            "question.mine": question.mine,
            "question.owned": question.owned,
            "supposed.openers": self.supposed.words,
            "supposed.except": self.supposed.exceptions,
            "present": self.present.words,
            "present.except": self.present.exceptions,
            "past.words": self.past.words,
            "past.undone": self.past.undone,
        }
