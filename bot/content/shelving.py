"""Putting what was read from the files of one language onto the shelf: plain values, in one spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.content import library as shelf
from bot.content.files import (
    CheckInsFile,
    PhrasesFile,
    PlacesFile,
    QuestionWords,
    SmallTalkFile,
    TellingsFile,
)
from bot.content.places import read_atlas
from bot.content.red_flags import RedFlagsFile
from bot.domain.check_in import AnswerWords
from bot.domain.conversation import SmallWords
from bot.domain.text import normalise
from bot.domain.topic import Topic
from bot.domain.triage import Ruleset


@dataclass(frozen=True)
class Words:
    """Everything that was read of one language."""

    topics: Mapping[str, Topic]
    rules: Ruleset
    flags: RedFlagsFile
    check_ins: CheckInsFile
    phrases: PhrasesFile
    talk: SmallTalkFile
    synonyms: Mapping[str, tuple[str, ...]]
    unrelated: tuple[str, ...]
    tellings: TellingsFile
    places: PlacesFile


def shelve(code: str, w: Words) -> shelf.Language:
    """Return the language *code* with the words *w*."""
    return shelf.Language(
        code=code,
        name=w.phrases.name,
        description=w.phrases.description,
        short_description=w.phrases.short_description,
        patient_commands=w.phrases.commands.patient,
        staff_commands=w.phrases.commands.staff,
        areas=w.phrases.areas,
        topics=w.topics,
        red_flags={
            id_: shelf.RedFlagWords(title=entry.title, say=entry.say)
            for id_, entry in w.flags.red_flags.items()
        },
        rules=w.rules,
        steps={
            id_: shelf.StepWords(title=step.title, normal=step.normal)
            for id_, step in w.check_ins.steps.items()
        },
        questions={
            id_: shelf.QuestionWords(name=q.name, ask=q.ask, labels=q.options, advice=q.advice)
            for id_, q in w.check_ins.questions.items()
        },
        regions=w.check_ins.regions,
        plans=w.check_ins.plans,
        answer_words=AnswerWords(
            typed={id_: _typed(q) for id_, q in w.check_ins.questions.items()},
            numbers=w.check_ins.numbers,
            fillers=frozenset(w.check_ins.fillers),
            openers=frozenset(w.check_ins.openers),
            no_answers=frozenset(map(normalise, w.check_ins.no_answers)),
        ),
        small_talk={
            id_: shelf.SmallTalk(asks=tuple(map(normalise, kind.asks)), reply=kind.reply)
            for id_, kind in w.talk.small_talk.items()
        },
        synonyms=w.synonyms,
        unrelated=w.unrelated,
        danger_lines={
            id_: (*entry.examples, *w.tellings.reports.get(id_, ()))
            for id_, entry in w.flags.red_flags.items()
        },
        harmless_lines=(
            *(line for entry in w.flags.red_flags.values() for line in entry.not_),
            *w.tellings.harmless,
        ),
        stop_words=frozenset(map(normalise, w.phrases.stop_words)),
        small_words=SmallWords(
            yes=frozenset(map(normalise, w.phrases.yes_words)),
            no=frozenset(map(normalise, w.phrases.no_words)),
            openers=tuple(map(normalise, w.phrases.openers)),
            joints=frozenset(map(normalise, w.phrases.joints)),
            bare=frozenset(map(normalise, w.phrases.bare_questions)),
            ordinals={normalise(said): number for said, number in w.phrases.ordinals.items()},
        ),
        phrases=w.phrases.phrases,
        atlas=read_atlas(w.places.cities, w.places.countries, w.places.before, w.places.after),
    )


def _typed(words: QuestionWords) -> dict[str, tuple[str, ...]]:
    """Return how each answer may be typed: the phrases of the file, and what stands on its button."""
    said = {value: [*phrases] for value, phrases in words.typed.items()}
    for value, label in words.options.items():
        said.setdefault(value, []).append(label)
    return {value: tuple(map(normalise, phrases)) for value, phrases in said.items()}
