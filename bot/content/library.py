"""Everything the bot can say, loaded and checked: topics, plans, red flags and the bot's own words, by language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.check_in import AnswerWords
from bot.domain.conversation import SmallWords
from bot.domain.place import Atlas
from bot.domain.plan import Option, Plans, Question
from bot.domain.topic import Topic
from bot.domain.triage import Ruleset, Urgency


@dataclass(frozen=True, kw_only=True)
class RedFlagWords:
    """A red flag in one language: a short title, and what the patient is told at once (a template)."""

    title: str
    say: str


@dataclass(frozen=True, kw_only=True)
class StepWords:
    """A check-in's name, and what is normal at that hour (a template)."""

    title: str
    normal: str


@dataclass(frozen=True, kw_only=True)
class QuestionWords:
    """A question's words: its name, how it is asked, labels by option id, and advice templates by option id."""

    name: str
    ask: str
    labels: Mapping[str, str]
    advice: Mapping[str, str]

    def label(self, question: Question, value: str) -> str:
        """Return an answer in words: the option's label, or the number on a scale ("7 of 10")."""
        if question.scale_to is not None:
            return f"{value} of {question.scale_to}"
        return self.labels[value]

    def advice_for(self, option: Option) -> str | None:
        """Return the advice template for an answer, if there is one."""
        return self.advice.get(option.id)


@dataclass(frozen=True, kw_only=True)
class SmallTalk:
    """What people say that is no question, and the bot's one reply to it."""

    asks: tuple[str, ...]
    reply: str


@dataclass(frozen=True, kw_only=True)
class Language:
    """All words of one language.

    synonyms: a name → the words and phrases that mean it. unrelated: lines that are no question for this FAQ.
    danger_lines: red flag → lines that report it; harmless_lines: lines with its words in them that do not.
    atlas: what places are called, for who travels.
    """

    code: str
    name: str
    description: str
    short_description: str
    patient_commands: Mapping[str, str]
    staff_commands: Mapping[str, str]
    areas: Mapping[str, str]
    topics: Mapping[str, Topic]
    red_flags: Mapping[str, RedFlagWords]
    rules: Ruleset
    steps: Mapping[str, StepWords]
    questions: Mapping[str, QuestionWords]
    regions: Mapping[str, str]
    plans: Mapping[str, str]
    answer_words: AnswerWords
    small_talk: Mapping[str, SmallTalk]
    synonyms: Mapping[str, tuple[str, ...]]
    unrelated: tuple[str, ...]
    danger_lines: Mapping[str, tuple[str, ...]]
    harmless_lines: tuple[str, ...]
    stop_words: frozenset[str]
    small_words: SmallWords
    phrases: Mapping[str, str]
    atlas: Atlas

    @property
    def yes_words(self) -> frozenset[str]:
        """Return the ways to say a bare yes."""
        return self.small_words.yes

    def area_topics(self, area: str) -> list[Topic]:
        """Return the topics of one part of the menu, in order."""
        return [topic for topic in self.topics.values() if topic.area == area]


@dataclass(frozen=True, kw_only=True)
class Library:
    """The whole content, in every language the clinic chose; the first one is the default."""

    languages: Mapping[str, Language]
    plans: Plans
    urgencies: Mapping[str, Urgency]
    sources: Mapping[str, str]

    def language(self, code: str | None) -> Language:
        """Return the language for a code such as "en-GB", or the default one."""
        wanted = (code or "").split("-")[0].lower()
        return self.languages.get(wanted) or next(iter(self.languages.values()))
