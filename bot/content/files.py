"""The shape of each YAML file in `faq/`: what may stand in it, and nothing else."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.content.places import tz_tables, zone_called
from bot.domain.topic import Held
from bot.domain.triage import Urgency

_SPAN = re.compile(r"^(\d+)\s*(h|min|d)$")


def _span(value: object) -> object:
    """Read "24h", "30min" or "2d" into a timedelta."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.match(str(value))
    if not match:
        raise ValueError(f"'{value}' is no length of time; write it as 24h, 30min or 2d")
    unit = {"h": "hours", "min": "minutes", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


Span = Annotated[timedelta, BeforeValidator(_span)]
Text = Annotated[str, Field(min_length=1, max_length=3500)]
#: An id that stands in the data of buttons, beside others, within 64 bytes.
ShortId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
#: A line as a patient types it.
Ask = Annotated[str, Field(min_length=1, max_length=300)]
Label = Annotated[str, Field(min_length=1, max_length=40)]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- outline.yaml -----------------------------------------------------------------------------------------


class OutlineTopic(_File):
    """A topic's id, and how far the sources answer it."""

    id: str
    held: Held


class Area(_File):
    """A part of the menu and its topics, in order."""

    id: str
    topics: tuple[OutlineTopic, ...]


class Outline(_File):
    """The ids and the order of everything the bot says."""

    areas: tuple[Area, ...] = ()
    red_flags: dict[str, Urgency] = {}


# --- sources.yaml -----------------------------------------------------------------------------------------


class Sources(_File):
    """Where facts come from: id → reference in full."""

    sources: dict[str, Text] = {}


# --- <language>/<area>.yaml -------------------------------------------------------------------------------


class Reviewed(_File):
    """Who read the words and stands for them, and when."""

    by: Annotated[str, Field(min_length=1, max_length=120)]
    on: date


class TopicEntry(_File):
    """One topic in one language. In an overlay every part may be left out but the id."""

    title: Label | None = None
    asks: tuple[Ask, ...] = ()
    answer: Annotated[str, Field(min_length=1, max_length=600)] | None = None
    sources: tuple[str, ...] | None = None
    follow_ups: tuple[str, ...] | None = None
    reviewed: Reviewed | None = None
    held: Held | None = None
    hide: bool = False


class TopicsFile(_File):
    """The topics of one area in one language."""

    reviewed: Reviewed | None = None
    topics: dict[str, TopicEntry]


class AsksFile(_File):
    """More ways in which patients ask for the topics of one area."""

    asks: dict[str, tuple[Ask, ...]]


# --- plan.yaml --------------------------------------------------------------------------------------------


class PlanOption(_File):
    """One answer of a question, or a band of a scale."""

    id: ShortId
    at_least: int = 0
    red_flag: str | None = None
    alert: bool = False


class PlanQuestion(_File):
    """A question without its words."""

    options: Annotated[tuple[PlanOption, ...], Field(min_length=2)]
    scale_to: Annotated[int, Field(ge=1, le=10)] | None = None


class PlanStep(_File):
    """A check-in without its words."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,7}$")]
    after: Span
    grace: Span
    nudge_after: Span
    questions: Annotated[tuple[str, ...], Field(min_length=1)]
    same_day: bool = False


class PlanEntry(_File):
    """A plan: its steps in order."""

    steps: Annotated[tuple[PlanStep, ...], Field(min_length=1)]


class PlanFile(_File):
    """All plans, questions and regions."""

    plans: dict[ShortId, PlanEntry]
    questions: dict[ShortId, PlanQuestion]
    regions: dict[ShortId, str]
    default: str


# --- <language>/check_ins.yaml ----------------------------------------------------------------------------


class StepWords(_File):
    """What a step is called, and what is normal at that hour."""

    title: Label
    normal: Text


class QuestionWords(_File):
    """How a question is asked, how its answers are labelled and typed, and the advice for each."""

    name: Label
    ask: Text
    options: dict[str, Label] = {}
    typed: dict[str, tuple[str, ...]] = {}
    advice: dict[str, Text] = {}


class CheckInsFile(_File):
    """The words of the check-ins in one language."""

    reviewed: Reviewed
    steps: dict[str, StepWords]
    regions: dict[str, Label]
    plans: dict[str, Label]
    questions: dict[str, QuestionWords]
    numbers: dict[str, int] = {}
    fillers: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    no_answers: tuple[str, ...] = ()


# --- <language>/small_talk.yaml, words.yaml, unrelated.yaml ------------------------------------------------


class SmallTalk(_File):
    """A kind of small talk: what people say, and the one reply."""

    asks: Annotated[tuple[Ask, ...], Field(min_length=1)]
    reply: Text


class SmallTalkFile(_File):
    """What people say that is no question."""

    reviewed: Reviewed | None = None
    small_talk: dict[ShortId, SmallTalk]


class WordsFile(_File):
    """The thesaurus: a name, and the words and phrases that mean it."""

    words: dict[ShortId, tuple[Ask, ...]] = {}


class TellingsFile(_File):
    """Lines to learn the second opinion from: reports of each red flag, and lines with its words that report none."""

    reviewed: Reviewed | None = None
    reports: dict[ShortId, tuple[Ask, ...]] = {}
    harmless: tuple[Ask, ...] = ()


class UnrelatedFile(_File):
    """Lines that are no question for this FAQ."""

    unrelated: tuple[Ask, ...] = ()


# --- <language>/places.yaml -------------------------------------------------------------------------------


def _zone(name: str) -> str:
    if zone_called(name) is None:
        raise ValueError(f"'{name}' is no time zone; write one such as Asia/Singapore")
    return name


def _country(code: str) -> str:
    if code not in tz_tables().countries:
        raise ValueError(f"'{code}' is no country's code; write one such as SG")
    return code


class PlacesFile(_File):
    """Names of places that the tz database lacks, and the words that may stand around a name."""

    cities: dict[Annotated[str, AfterValidator(_zone)], tuple[Label, ...]] = {}
    countries: dict[Annotated[str, AfterValidator(_country)], tuple[Label, ...]] = {}
    before: tuple[Label, ...] = ()
    after: tuple[Label, ...] = ()


# --- <language>/phrases.yaml ------------------------------------------------------------------------------


class CommandWords(_File):
    """A command's line in Telegram's menu."""

    patient: dict[str, Annotated[str, Field(min_length=1, max_length=256)]]
    staff: dict[str, Annotated[str, Field(min_length=1, max_length=256)]]


class PhrasesFile(_File):
    """The bot's own words in one language."""

    name: Label
    description: Annotated[str, Field(max_length=512)]
    short_description: Annotated[str, Field(max_length=120)]
    commands: CommandWords
    areas: dict[str, Label]
    stop_words: tuple[str, ...]
    yes_words: tuple[str, ...]
    no_words: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    joints: tuple[str, ...] = ()
    bare_questions: tuple[str, ...] = ()
    ordinals: dict[str, int] = {}
    phrases: dict[str, Text]
