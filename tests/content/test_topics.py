"""Tests of `bot.content.topics`: the FAQ's topics, every fault in them, and a clinic's own words on top."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from bot.content.files import Outline, Sources
from bot.content.settings import VARIABLES
from bot.content.topics import read_topics
from bot.content.yaml_source import read
from bot.domain.message import Button
from bot.domain.topic import Topic
from tests.kit.faq_folder import FaqFolder

#: A small outline, and made-up files for its areas, so that no test depends on the words of the real ones.
OUTLINE = """\
areas:
  - id: safety
    topics: [{id: is_it_safe, held: full}, {id: pregnancy, held: partly}]
  - id: clinic
    topics: [{id: cost_insurance, held: clinic}, {id: booking_and_contact, held: clinic}]
"""
SAFETY = """\
reviewed: {by: A physiotherapist, on: 2026-11-20}
topics:
  is_it_safe:
    title: Safety
    asks: [safe one, safe two, safe three, safe four, safe five, safe six, safe seven, safe eight]
    answer: Yes.
    sources: [clinic]
    follow_ups: [pregnancy, cost_insurance]
  pregnancy:
    title: Expecting
    asks: [baby one, baby two, baby three, baby four, baby five, baby six, baby seven, baby eight]
    answer: Tell us.
    sources: [clinic]
"""
FILE = "en/clinic.yaml"
TEXT = """\
reviewed: {by: A physiotherapist, on: 2026-11-20}
topics:
  cost_insurance:
    title: Money
    asks: [money one, money two, money three, money four, money five, money six, money seven, money eight]
    answer: |-
      It costs what it costs.
    sources: [clinic]
    follow_ups: [booking_and_contact]

  booking_and_contact:
    title: Visits
    asks:
      - visit one
      - visit two
      - visit three
      - visit four
      - visit five
      - visit six
      - visit seven
      - visit eight
    answer: Call {clinic.phone}.
    sources: [apicare]
    reviewed: {by: A doctor, on: 2026-12-01}
"""


@pytest.fixture
def faq(tmp_path: Path) -> FaqFolder:
    """Give a folder with two small areas."""
    folder = FaqFolder(tmp_path)
    shutil.rmtree(folder.folder / "en" / "asks")
    folder.write("outline.yaml", OUTLINE)
    folder.write("en/safety.yaml", SAFETY)
    folder.write(FILE, TEXT)
    return folder


def topics_and_faults(faq: FaqFolder) -> tuple[dict[str, Topic], list[str]]:
    """Read the topics of a folder with its overlay."""
    outline = read(faq.folder / "outline.yaml", "outline.yaml").read_as(Outline)
    sources = read(faq.folder / "sources.yaml", "sources.yaml").read_as(Sources)
    topics, faults = read_topics(faq.folder / "en", faq.overlay / "en", outline, sources)
    return topics, [str(fault) for fault in faults]


def topics_of(faq: FaqFolder) -> dict[str, Topic]:
    """Read the topics of a folder without faults."""
    topics, faults = topics_and_faults(faq)
    assert faults == []
    return topics


def faults_of(faq: FaqFolder) -> list[str]:
    """Read the topics of a folder with faults; there are no topics then."""
    topics, faults = topics_and_faults(faq)
    assert topics == {}
    return faults


# --- what is supplied ---------------------------------------------------------------------------------------


def test_topics_come_in_the_outlines_order(faq: FaqFolder) -> None:
    """Every topic of the outline is there, in its order, whatever the order in the files."""
    faq.change(
        "outline.yaml",
        "{id: is_it_safe, held: full}, {id: pregnancy, held: partly}",
        "{id: pregnancy, held: partly}, {id: is_it_safe, held: full}",
    )
    assert list(topics_of(faq)) == ["pregnancy", "is_it_safe", "cost_insurance", "booking_and_contact"]


def test_a_topic_holds_what_its_file_says(faq: FaqFolder) -> None:
    """All parts of a topic are taken over; who reviewed it is the file's word where the topic has none of its own."""
    topics = topics_of(faq)
    assert topics["cost_insurance"] == Topic(
        id="cost_insurance",
        area="clinic",
        title="Money",
        asks=tuple(f"money {n}" for n in ("one", "two", "three", "four", "five", "six", "seven", "eight")),
        answer="It costs what it costs.",
        sources=("clinic",),
        follow_ups=("booking_and_contact",),
        held="clinic",  # the outline's word
        reviewed_by="A physiotherapist",
        reviewed_on=date(2026, 11, 20),
        where=faq.at(FILE, "answer: |-"),
    )
    assert topics["booking_and_contact"].reviewed_by == "A doctor"
    assert topics["booking_and_contact"].reviewed_on == date(2026, 12, 1)
    assert topics["booking_and_contact"].follow_ups == ()


@pytest.mark.parametrize(
    ("old", "new", "line_of", "fault"),
    [
        ("    title: Money\n", "", "cost_insurance:", "topics.cost_insurance: 'title' is missing; add it"),
        (
            "    answer: Call {clinic.phone}.\n",
            "",
            "  booking_and_contact:",
            "topics.booking_and_contact: 'answer' is missing; add it",
        ),
        (
            "    sources: [clinic]\n",
            "",
            "cost_insurance:",
            "topics.cost_insurance: 'sources' is missing; add it",
        ),
        ("[clinic]", "[]", "cost_insurance:", "topics.cost_insurance: 'sources' is missing; add it"),
        (", money eight", "", "[money one", "topics.cost_insurance.asks: has 7; give 8 to 20"),
        (
            ", money eight",
            "".join(f", more {number}" for number in range(14)),
            "[money one",
            "topics.cost_insurance.asks: has 21; give 8 to 20",
        ),
        (
            "reviewed: {by: A physiotherapist, on: 2026-11-20}\n",
            "",
            "cost_insurance:",
            "topics.cost_insurance: 'reviewed' is missing here and at the file's top; add it",
        ),
        (
            "{clinic.phone}",
            "{clinic.fone}",
            "{clinic.fone}",
            "topics.booking_and_contact.answer: {clinic.fone} is no variable; there are "
            + ", ".join(sorted(VARIABLES)),
        ),
        (
            "Money\n",
            "Money of {clinic.nme}\n",
            "Money of",
            "topics.cost_insurance.title: {clinic.nme} is no variable; there are "
            + ", ".join(sorted(VARIABLES)),
        ),
        (
            "[booking_and_contact]",
            "[booking]",
            "[booking]",
            "topics.cost_insurance.follow_ups: 'booking' is no topic",
        ),
        (
            "[apicare]",
            "[wikipedia]",
            "[wikipedia]",
            "topics.booking_and_contact.sources: 'wikipedia' is not in sources.yaml",
        ),
        (
            "title: Money",
            "titel: Money",
            "titel",
            "topics.cost_insurance.titel: no such key; did you mean 'title'?",
        ),
    ],
)
def test_a_fault_in_a_topic_is_shown_with_its_line(
    faq: FaqFolder, old: str, new: str, line_of: str, fault: str
) -> None:
    """Each fault stands at the line to correct, with what to do."""
    faq.change(FILE, old, new)
    assert f"{faq.at(FILE, line_of)}: {fault}" in faults_of(faq)


def test_a_phrasing_that_stands_twice_in_a_topic_is_a_fault(faq: FaqFolder) -> None:
    """The second one is shown, with the line of the first; case and marks make no difference."""
    faq.change(FILE, "- visit eight", '- "Visit, ONE!"')
    assert faults_of(faq) == [
        f"{faq.at(FILE, 'ONE!')}: topics.booking_and_contact.asks.7: 'Visit, ONE!' already stands under "
        f"'booking_and_contact' ({faq.at(FILE, '- visit one')}); keep one"
    ]


def test_a_phrasing_that_stands_under_two_topics_is_a_fault(faq: FaqFolder) -> None:
    """One question cannot have two answers."""
    faq.change(FILE, "- visit eight", "- money two")
    assert faults_of(faq) == [
        f"{faq.at(FILE, '- money two')}: topics.booking_and_contact.asks.7: 'money two' already stands under "
        f"'cost_insurance' ({faq.at(FILE, '[money one')}); keep one"
    ]


def test_a_topic_that_the_outline_lacks_is_a_fault(faq: FaqFolder) -> None:
    """A topic under a wrong name is shown, and the one that is missing because of it."""
    faq.change(FILE, "  cost_insurance:", "  costs:")
    faults = faults_of(faq)
    assert f"{faq.at(FILE, '  costs:')}: topics.costs: outline.yaml has no such topic in this area" in faults
    assert f"{faq.at(FILE, 'topics:')}: topics: 'cost_insurance' of outline.yaml is missing; add it" in faults


def test_an_areas_missing_file_is_a_fault(faq: FaqFolder) -> None:
    """An area of the outline without its file is named."""
    (faq.folder / FILE).unlink()
    assert f"{FILE}:1: there is no such file" in faults_of(faq)


def test_a_broken_file_is_the_only_fault(faq: FaqFolder) -> None:
    """While a file cannot be read, topics that lead into it are not said to be wrong."""
    faq.change(FILE, "[clinic]", "[clinic")
    (fault,) = faults_of(faq)
    assert fault.startswith(f"{FILE}:")


def test_faults_of_several_files_are_shown_together(faq: FaqFolder) -> None:
    """Reading goes on behind a fault, in the same file and in others."""
    faq.change(FILE, "[apicare]", "[wikipedia]")
    faq.change(FILE, "[clinic]", "[nobody]")
    faq.own("en/ours.yaml", "topics:\n  mine: {title: Mine}\n")
    assert len(faults_of(faq)) == 3


@pytest.mark.parametrize("count", [8, 20])
def test_a_topic_has_8_to_20_phrasings(faq: FaqFolder, count: int) -> None:
    """Both ends count: eight are enough, and twenty not too many."""
    faq.change(FILE, ", money eight", "".join(f", more {number}" for number in range(count - 7)))
    assert len(topics_of(faq)["cost_insurance"].asks) == count


@pytest.mark.parametrize(("length", "fits"), [(60, True), (61, False)])
def test_an_id_that_no_button_can_carry_is_a_fault(faq: FaqFolder, length: int, fits: bool) -> None:
    """A topic's id stands in the data of its buttons, which hold 64 bytes, behind "src:"."""
    id_ = "clinic.".ljust(length, "x")
    faq.own(
        "en/ours.yaml",
        f"""\
        reviewed: {{by: Tan, on: 2026-12-24}}
        topics:
          {id_}:
            title: Mine
            asks: [mine one, mine two, mine three]
            answer: Mine.
        """,
    )
    if fits:
        assert Button(label="Sources", data=f"src:{topics_of(faq)[id_].id}")
        return
    (fault,) = faults_of(faq)
    assert fault.startswith(f"{faq.own_at('en/ours.yaml', id_)}: topics.{id_}: ")


# --- further phrasings ----------------------------------------------------------------------------------------

ASKS = "en/asks/clinic.yaml"


def test_further_phrasings_come_behind_those_of_the_topics_file(faq: FaqFolder) -> None:
    """asks/<area>.yaml adds to the topics of its area, beyond the twenty that a topic may have itself."""
    many = ", ".join(f"further {number}" for number in range(30))
    faq.write(ASKS, f"asks:\n  cost_insurance: [{many}]\n")
    topics = topics_of(faq)
    asks = topics["cost_insurance"].asks
    assert len(asks) == 38
    assert (asks[0], asks[8], asks[-1]) == ("money one", "further 0", "further 29")
    assert topics["cost_insurance"].own_asks == frozenset()
    assert len(topics["booking_and_contact"].asks) == 8


@pytest.mark.parametrize(
    ("text", "line_of", "fault"),
    [
        (
            "asks:\n  costs: [how much ah]\n",
            "costs",
            "asks.costs: outline.yaml has no such topic in this area",
        ),
        (
            "asks:\n  is_it_safe: [how safe ah]\n",  # a topic, but of another area
            "is_it_safe",
            "asks.is_it_safe: outline.yaml has no such topic in this area",
        ),
        (
            "asks:\n  cost_insurance:\n    - how much ah\n    - Money, two!\n",
            "Money, two",
            "asks.cost_insurance.1: 'Money, two!' already stands under 'cost_insurance' (en/clinic.yaml:",
        ),
        (
            "asks:\n  cost_insurance:\n    - ah how\n    - Ah, how?\n",
            "Ah, how?",
            "asks.cost_insurance.1: 'Ah, how?' already stands under 'cost_insurance' (en/asks/clinic.yaml:3)",
        ),
        (
            "asks:\n  booking_and_contact: [money two]\n",
            "money two",
            "asks.booking_and_contact.0: 'money two' already stands under 'cost_insurance' (en/clinic.yaml:",
        ),
        ("asks:\n  cost_insurance: ['']\n", "cost_insurance", "asks.cost_insurance.0: must not be empty"),
        ("asks:\n  cost_insurance: how much\n", "cost_insurance", "asks.cost_insurance: must be a list"),
        ("ask:\n  cost_insurance: [x]\n", "ask:", "ask: no such key; did you mean 'asks'?"),
        ("asks: [\n", "asks", ""),  # no YAML
    ],
)
def test_a_fault_in_further_phrasings_is_shown_with_its_line(
    faq: FaqFolder, text: str, line_of: str, fault: str
) -> None:
    """The file is asks/<area>.yaml, and the line is the one to correct."""
    faq.write(ASKS, text)
    faults = faults_of(faq)
    if not fault:
        assert [found.rpartition(":")[0] for found in faults if found.startswith(f"{ASKS}:")]
        return
    assert any(found.startswith(f"{faq.at(ASKS, line_of)}: {fault}") for found in faults), faults


def test_broken_further_phrasings_are_the_only_fault(faq: FaqFolder) -> None:
    """The topics themselves are not blamed."""
    faq.write(ASKS, "asks: [\n")
    (fault,) = faults_of(faq)
    assert fault.startswith(f"{ASKS}:2: ")


def test_further_phrasings_of_a_topic_without_its_words_are_not_blamed(faq: FaqFolder) -> None:
    """The topic is missing in its file; that is the fault, not what was added to it."""
    faq.change(FILE, "  cost_insurance:", "  costs:")
    faq.write(ASKS, "asks:\n  cost_insurance: [how much ah]\n")
    assert not any(found.startswith(ASKS) for found in faults_of(faq))


# --- a clinic's own words on top ----------------------------------------------------------------------------


def test_a_clinics_answer_replaces_ours(faq: FaqFolder) -> None:
    """The answer, its review and its place are the clinic's; title and phrasings stay."""
    faq.own(
        "en/prices.yaml",
        """\
        topics:
          cost_insurance:
            answer: |-
              A session costs 90 dollars.
            reviewed: {by: Tan, on: 2026-12-24}
        """,
    )
    topic = topics_of(faq)["cost_insurance"]
    assert topic.answer == "A session costs 90 dollars."
    assert (topic.reviewed_by, topic.reviewed_on) == ("Tan", date(2026, 12, 24))
    assert topic.where == faq.own_at("en/prices.yaml", "answer:")
    assert (topic.title, len(topic.asks), topic.area) == ("Money", 8, "clinic")


@pytest.mark.parametrize(("said", "held"), [("", "full"), ("held: partly", "partly")])
def test_a_clinics_answer_is_a_whole_answer_unless_it_says_so(faq: FaqFolder, said: str, held: str) -> None:
    """What the clinic itself has answered needs no button to ask the clinic."""
    faq.own(
        "en/prices.yaml",
        f"""\
        reviewed: {{by: Tan, on: 2026-12-24}}
        topics:
          cost_insurance:
            answer: It costs 90 dollars.
            {said}
        """,
    )
    assert topics_of(faq)["cost_insurance"].held == held


def test_a_clinic_may_say_that_an_answer_of_ours_is_only_part(faq: FaqFolder) -> None:
    """A word on how far the answer goes counts, also without an answer of the clinic's own."""
    faq.own("en/more.yaml", "topics:\n  is_it_safe: {held: partly}\n")
    assert topics_of(faq)["is_it_safe"].held == "partly"


def test_a_clinic_adds_phrasings(faq: FaqFolder) -> None:
    """More ways to ask come behind ours; answer and review stay as they were."""
    before = topics_of(faq)["cost_insurance"]
    faq.own("en/more.yaml", "topics:\n  cost_insurance:\n    asks: [berapa harga, how much ah]\n")
    after = topics_of(faq)["cost_insurance"]
    assert after.asks == (*before.asks, "berapa harga", "how much ah")
    assert before.own_asks == frozenset()
    assert after.own_asks == {"berapa harga", "how much ah"}  # they count more when it is learned
    assert (after.answer, after.reviewed_by, after.held) == (before.answer, before.reviewed_by, before.held)


def test_a_clinic_replaces_title_sources_and_follow_ups(faq: FaqFolder) -> None:
    """The other parts of a topic are replaced as a whole."""
    faq.own(
        "en/more.yaml",
        "topics:\n  cost_insurance: {title: Fees, sources: [apicare], follow_ups: [is_it_safe, pregnancy]}\n",
    )
    topic = topics_of(faq)["cost_insurance"]
    assert topic.title == "Fees"
    assert topic.sources == ("apicare",)
    assert topic.follow_ups == ("is_it_safe", "pregnancy")


def test_a_clinic_hides_a_topic(faq: FaqFolder) -> None:
    """A hidden topic is gone, and so are the ways that lead to it."""
    faq.own("en/more.yaml", "topics:\n  booking_and_contact: {hide: true}\n")
    topics = topics_of(faq)
    assert "booking_and_contact" not in topics
    assert topics["cost_insurance"].follow_ups == ()


def test_a_clinic_puts_its_own_topic_in_the_place_of_a_hidden_one(faq: FaqFolder) -> None:
    """What was asked for the hidden topic may be asked for the new one."""
    faq.own(
        "en/ours.yaml",
        """\
        reviewed: {by: Tan, on: 2026-12-24}
        topics:
          booking_and_contact: {hide: true}
          clinic.booking:
            title: Book a visit
            asks: [visit one, visit two, how to book with dr tan]
            answer: On our page.
        """,
    )
    assert "clinic.booking" in topics_of(faq)


def test_a_clinic_adds_a_topic(faq: FaqFolder) -> None:
    """A topic of the clinic's own comes behind ours, in the area of the clinic."""
    faq.own(
        "en/ours.yaml",
        """\
        reviewed: {by: Tan, on: 2026-12-24}
        topics:
          clinic.parking:
            title: Parking
            asks: [where can i park my car here, is there a car park at your place, parking lots got anot]
            answer: Behind the house; call {clinic.phone} if it is full.
            follow_ups: [booking_and_contact]
        """,
    )
    topics = topics_of(faq)
    assert list(topics)[-1] == "clinic.parking"
    topic = topics["clinic.parking"]
    assert topic.area == "clinic"
    assert topic.held == "full"
    assert topic.sources == ()
    assert len(topic.asks) == 3
    assert topic.own_asks == set(topic.asks)
    assert topic.follow_ups == ("booking_and_contact",)
    assert topic.reviewed_by == "Tan"
    assert topic.where == faq.own_at("en/ours.yaml", "answer:")


def test_another_topic_may_lead_to_a_new_one(faq: FaqFolder) -> None:
    """The clinic's topics count as topics, whichever of its files they stand in."""
    faq.own("en/a.yaml", "topics:\n  cost_insurance: {follow_ups: [clinic.parking]}\n")
    faq.own(
        "en/b.yaml",
        """\
        reviewed: {by: Tan, on: 2026-12-24}
        topics:
          clinic.parking: {title: Parking, asks: [park one, park two, park three], answer: Behind the house.}
        """,
    )
    assert topics_of(faq)["cost_insurance"].follow_ups == ("clinic.parking",)


@pytest.mark.parametrize(
    ("text", "line_of", "fault"),
    [
        (
            "parking: {title: Parking}",
            "parking:",
            "topics.parking: no such topic; a new one of your own must be called 'clinic.parking'",
        ),
        (
            "clinic.parking: {title: P, answer: A, asks: [park one, park two, park three]}",
            "clinic.parking:",
            "topics.clinic.parking: a new topic needs title, answer, reviewed and at least 3 asks",
        ),
        (
            "clinic.parking: {title: P, answer: A, asks: [park one, park two], reviewed: {by: T, on: 2026-12-24}}",
            "clinic.parking:",
            "topics.clinic.parking: a new topic needs title, answer, reviewed and at least 3 asks",
        ),
        (
            "cost_insurance: {answer: It is free.}",  # nobody says who approved it
            "cost_insurance:",
            "topics.cost_insurance: 'reviewed' is missing: who approved this answer, and when?",
        ),
        (
            "cost_insurance: {asks: [visit one]}",
            "cost_insurance:",
            "topics.booking_and_contact.asks.0: 'visit one' already stands under 'cost_insurance' (",
        ),
        (
            "cost_insurance: {follow_ups: [parking]}",
            "parking",
            "topics.cost_insurance.follow_ups: 'parking' is no topic",
        ),
        (
            "cost_insurance: {sources: [wikipedia]}",
            "wikipedia",
            "topics.cost_insurance.sources: 'wikipedia' is not in sources.yaml",
        ),
        (
            "cost_insurance: {answer: 'Call {fone}.', reviewed: {by: T, on: 2026-12-24}}",
            "{fone}",
            "topics.cost_insurance.answer: {fone} is no variable; there are ",
        ),
        (
            "cost_insurance: {anser: A}",
            "anser",
            "topics.cost_insurance.anser: no such key; did you mean 'answer'?",
        ),
    ],
)
def test_a_fault_in_a_clinics_words_is_shown_in_its_file(
    faq: FaqFolder, text: str, line_of: str, fault: str
) -> None:
    """A fault that the clinic wrote stands in the clinic's file, at its line."""
    path = faq.own("en/ours.yaml", f"topics:\n  # our own\n  {text}\n")
    faults = faults_of(faq)
    if "already stands" in fault:  # the pair is shown at the later topic, with the place of the other
        assert any(fault in found and f"({path}:3)" in found for found in faults)
        return
    assert any(found.startswith(f"{faq.own_at('en/ours.yaml', line_of)}: {fault}") for found in faults), (
        faults
    )


def test_a_broken_file_of_the_clinics_is_a_fault(faq: FaqFolder) -> None:
    """A file of the overlay that is no YAML is named by its path; ours are not blamed."""
    path = faq.own("en/ours.yaml", "topics: [\n")
    (fault,) = faults_of(faq)
    assert fault.startswith(f"{path}:2: ")


def test_the_overlays_other_files_hold_no_topics(faq: FaqFolder) -> None:
    """check_ins, phrases and red flags of the overlay are not read as topics."""
    for name in ("check_ins", "phrases", "red_flags", "small_talk", "tellings", "unrelated", "words"):
        faq.own(f"en/{name}.yaml", "something: else\n")
    assert "cost_insurance" in topics_of(faq)


def test_without_an_overlay_in_this_language_nothing_changes(faq: FaqFolder) -> None:
    """A clinic may have words of its own in one language only."""
    before = topics_of(faq)
    faq.own("zh/ours.yaml", "topics:\n  cost_insurance: {title: 钱}\n")
    assert topics_of(faq) == before
