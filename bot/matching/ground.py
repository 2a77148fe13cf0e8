"""Whether each topic holds its ground: phrasings that another topic takes, topics that lie too near each other.

All of it comes from phrasings that were held out while the rest was learned, so it says how patients' own words,
which nobody has written down, would fare.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bot.matching.evidence import SILENT
from bot.matching.model import Model

#: A topic should have this many phrasings to be told from others.
ENOUGH = 20
#: Two topics lie too near if this share of the phrasings of one goes to the other.
TOO_NEAR = 0.10


@dataclass(frozen=True, kw_only=True)
class Stolen:
    """A phrasing of *topic* that would be answered with *by*, had it not been learned by heart."""

    line: str
    topic: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `aftercare check` says about the topics.

    stolen: worst topics first. near: (topic, other, share of its phrasings that go there, 0 to 1).
    few: topic → how many phrasings it has. twins: pairs of lines of one topic that are nearly the same.
    """

    stolen: tuple[Stolen, ...]
    near: tuple[tuple[str, str, float], ...]
    few: tuple[tuple[str, int], ...]
    twins: tuple[tuple[str, str, str], ...]


def survey(model: Model) -> Report:
    """Return how the topics of *model* hold their ground."""
    groups, lines, ground = model.phrasings.groups, model.phrasings.text, model.ground
    own = [model.phrasings.group_of(number) for number in range(len(lines))]
    topics = [number for number, group in enumerate(own) if groups[group] not in SILENT]
    lost = Counter((own[number], int(ground.first[number])) for number in topics)
    size = Counter(own[number] for number in topics)
    stolen = [
        Stolen(line=lines[number], topic=groups[own[number]], by=groups[int(ground.first[number])])
        for number in topics
        if ground.outright[number] and ground.first[number] != own[number]
    ]
    robbed = Counter(theft.topic for theft in stolen)
    near = [
        (groups[topic], groups[other], count / size[topic])
        for (topic, other), count in lost.items()
        if topic != other and count / size[topic] >= TOO_NEAR
    ]
    twins = {
        (groups[own[number]], *sorted((lines[number], lines[int(ground.twin[number])])))
        for number in topics
        if ground.twin[number] >= 0
    }
    return Report(
        stolen=tuple(sorted(stolen, key=lambda theft: (-robbed[theft.topic], theft.topic))),
        near=tuple(sorted(near, key=lambda found: -found[2])),
        few=tuple((groups[group], count) for group, count in size.items() if count < ENOUGH),
        twins=tuple(sorted((topic, first, second) for topic, first, second in twins)),
    )
