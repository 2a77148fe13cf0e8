"""Answering questions: approved words only; unsure: a few topics to choose from; not found: the clinic."""

from __future__ import annotations

from bot.domain.message import Button, Incoming, Rows
from bot.domain.text import normalise
from bot.domain.topic import Topic
from bot.service import hand_off
from bot.service.turn import Turn
from bot.storage import check_ins, patients


def question(turn: Turn, incoming: Incoming, *, with_staff: bool = False) -> None:
    """Answer free text: small talk, one topic, an offer of topics, or the honest word that a person will answer.

    with_staff: staff have these words already; then only a clear answer is given beside theirs.
    """
    said = normalise(incoming.text).strip(" .!?")
    for id_, talk in turn.language.small_talk.items():
        if said in talk.asks:
            patients.count(turn.session, f"small_talk:{id_}", turn.now)
            turn.say(turn.fill(talk.reply))
            return
    decision = turn.tools.matchers[turn.language.code].decide(incoming.text)
    if decision.answer is not None:
        answer(turn, turn.language.topics[decision.answer], reply_to=incoming.message_id)
        patients.count(turn.session, f"answered:{decision.answer}", turn.now)
    elif with_staff:
        turn.say(hand_off.passed_on(turn))
    elif decision.offers:
        topics = [turn.language.topics[id_] for id_ in decision.offers]
        rows = tuple((_topic_button(topic),) for topic in topics)
        turn.say(
            turn.text("offer"),
            (*rows, (turn.button("button_ask_clinic", "ho"),)),
            reply_to=incoming.message_id,
        )
        patients.count(turn.session, "offered", turn.now)
    else:
        _not_found(turn, incoming)
    if turn.patient is not None:
        turn.patient.last_question = incoming.text


def answer(turn: Turn, topic: Topic, *, reply_to: int | None = None) -> None:
    """Say a topic's approved answer, with what it is an answer to, its follow-ups and the way to a person."""
    text = f"<b>{turn.fill(topic.title)}</b>\n\n{turn.fill(topic.answer)}"
    turn.say(text, _under_answer(turn, topic), reply_to=reply_to)


def menu(turn: Turn, incoming: Incoming) -> None:
    """Show the parts of the FAQ."""
    rows: Rows = tuple(
        (Button(label=name, data=f"area:{id_}"),)
        for id_, name in turn.language.areas.items()
        if turn.language.area_topics(id_)
    )
    _show(turn, incoming, turn.text("menu"), (*rows, (turn.button("button_ask_clinic", "ho"),)))


def area(turn: Turn, incoming: Incoming) -> None:
    """Show the topics of one part of the FAQ."""
    id_ = _argument(incoming)
    topics = turn.language.area_topics(id_)
    if not topics:
        menu(turn, incoming)
        return
    rows: Rows = tuple((_topic_button(topic),) for topic in topics)
    title = turn.fill(turn.language.areas[id_])
    _show(
        turn,
        incoming,
        f"<b>{title}</b>\n{turn.text('menu_area')}",
        (*rows, (turn.button("button_back", "menu:page"),)),
    )


def topic_tapped(turn: Turn, incoming: Incoming) -> None:
    """Answer a topic that was chosen with a button."""
    topic = turn.language.topics.get(_argument(incoming))
    if topic is None:
        turn.say(turn.text("button_old"), ((turn.button("button_menu", "menu"),),))
        return
    answer(turn, topic)
    patients.count(turn.session, f"answered:{topic.id}", turn.now)


def sources(turn: Turn, incoming: Incoming) -> None:
    """Say where an answer comes from, and who read it when."""
    topic = turn.language.topics.get(_argument(incoming))
    if topic is None:
        menu(turn, incoming)
        return
    known = turn.tools.library.sources
    listed = "\n".join(f"• {turn.fill(known[id_])}" for id_ in topic.sources)
    reviewed = turn.text("sources_reviewed", by=topic.reviewed_by, on=f"{topic.reviewed_on:%d.%m.%Y}")
    turn.say(f"<b>{turn.text('sources', title=topic.title)}</b>\n{listed}\n\n{reviewed}")


def helpful(turn: Turn, incoming: Incoming) -> None:
    """Count that an answer helped."""
    patients.count(turn.session, f"helpful:{_argument(incoming)}", turn.now)
    turn.say(turn.text("helpful_thanks"))


def not_what_i_meant(turn: Turn, incoming: Incoming) -> None:
    """Count that an answer missed, and offer the next best topics and a person."""
    missed = _argument(incoming)
    patients.count(turn.session, f"missed:{missed}", turn.now)
    asked = incoming.replied_text or (turn.patient.last_question if turn.patient else None) or ""
    guesses = turn.tools.matchers[turn.language.code].decide(asked).guesses if asked else ()
    near = [guess.topic for guess in guesses if guess.topic != missed][:2]
    rows: Rows = tuple((_topic_button(turn.language.topics[id_]),) for id_ in near)
    last = (turn.button("button_ask_clinic", "ho"), turn.button("button_menu", "menu"))
    turn.say(turn.text("missed"), (*rows, last))


def _not_found(turn: Turn, incoming: Incoming) -> None:
    patients.count(turn.session, "not_found", turn.now)
    turn.say(
        turn.text("not_found"),
        (
            (turn.button("button_ask_clinic", "ho"),),
            (turn.button("button_menu", "menu"),),
        ),
        reply_to=incoming.message_id,
    )
    if turn.patient is not None:
        hand_off.keep_question(turn, incoming.text)


def _under_answer(turn: Turn, topic: Topic) -> Rows:
    follow_ups = [turn.language.topics[id_] for id_ in topic.follow_ups if id_ in turn.language.topics]
    rows: list[tuple[Button, ...]] = [(_topic_button(follow_up),) for follow_up in follow_ups[:3]]
    rows.append(
        (turn.button("button_helpful", f"yes:{topic.id}"), turn.button("button_missed", f"no:{topic.id}"))
    )
    last = [turn.button("button_sources", f"src:{topic.id}")]
    if topic.offers_hand_over:
        last.append(turn.button("button_ask_clinic", "ho"))
    rows.append(tuple(last))
    if turn.patient is not None and check_ins.open_of(turn.session, turn.patient.id) is not None:
        rows.append((turn.button("button_back_to_check_in", "ci"),))
    return tuple(rows)


def _topic_button(topic: Topic) -> Button:
    return Button(label=topic.title, data=f"t:{topic.id}")


def _argument(incoming: Incoming) -> str:
    return (incoming.data or "").partition(":")[2]


def _show(turn: Turn, incoming: Incoming, text: str, rows: Rows) -> None:
    """Show a menu page: in place of the page whose button was tapped, else as a new message."""
    if incoming.data is not None and incoming.data != "menu":
        turn.edit(text, rows, message_id=incoming.message_id)
    else:
        turn.say(text, rows)
