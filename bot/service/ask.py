"""Answering questions: approved words only; unsure: a few topics to choose from; not found: the clinic."""

from __future__ import annotations

from bot.domain.conversation import Before
from bot.domain.message import Button, Incoming, Rows
from bot.domain.topic import Topic
from bot.domain.triage import Finding
from bot.service import alarm, hand_off
from bot.service.turn import Turn
from bot.service.understand import Understanding, understand
from bot.storage import check_ins, patients


def question(
    turn: Turn, incoming: Incoming, *, with_staff: bool = False, beside: tuple[str, Rows] | None = None
) -> None:
    """Answer free text: small talk, one topic, an offer of topics, or the honest word that a person will answer.

    with_staff: staff have these words already; then only a clear answer is given beside theirs. beside: what else the
    words may have been meant for, with its buttons: said before what is no answer yet.
    """
    tools, language = turn.tools, turn.language
    meant = understand(
        tools.library,
        language,
        tools.minds[language.code],
        incoming.text,
        before=tools.recent.recall(turn.chat_id, turn.now),
        danger=turn.danger,
    )
    patients.count(turn.session, _counted(meant), turn.now)
    if meant.finding is not None:
        (alarm.ask_if_now if meant.kind == "check" else alarm.red_flag)(turn, meant.finding, incoming)
        return
    if meant.small_talk is not None:
        rows = ((turn.button("button_ask_clinic", "ho:write"),),) if meant.small_talk == "person" else ()
        turn.say(turn.fill(language.small_talk[meant.small_talk].reply), rows)
        return
    warning = _if_now(turn, meant.doubt)
    first, rows_first = beside or ("", ())
    answered = [language.topics[id_] for id_ in (meant.decision.answer, meant.decision.also) if id_]
    if answered:
        for number, topic in enumerate(answered):
            last = number == len(answered) - 1
            answer(turn, topic, reply_to=incoming.message_id, warning=warning if last else "")
    elif with_staff:
        turn.say(hand_off.passed_on(turn) + warning)
    elif meant.decision.offers:
        offered = tuple((_topic_button(language.topics[id_]),) for id_ in meant.decision.offers)
        turn.say(
            f"{first} {turn.text('offer')}".strip() + warning,
            (*rows_first, *offered, (turn.button("button_ask_clinic", "ho"),)),
            reply_to=incoming.message_id,
        )
        tools.recent.remember(turn.chat_id, Before("offer", meant.decision.offers), turn.now)
    else:
        _not_found(turn, incoming, warning, first, rows_first)
    if turn.patient is not None:
        turn.patient.last_question = incoming.text


def answer(turn: Turn, topic: Topic, *, reply_to: int | None = None, warning: str = "") -> None:
    """Say a topic's approved answer, with what it is an answer to, its follow-ups and the way to a person."""
    text = f"<b>{turn.fill(topic.title)}</b>\n\n{turn.fill(topic.answer)}"
    turn.say(text + warning, _under_answer(turn, topic), reply_to=reply_to)
    turn.tools.recent.remember(turn.chat_id, Before("answer", (topic.id,)), turn.now)


def menu(turn: Turn, incoming: Incoming) -> None:
    """Show the parts of the FAQ."""
    rows: Rows = tuple(
        (Button(label=name, data=f"area:{id_}"),)
        for id_, name in turn.language.areas.items()
        if turn.language.area_topics(id_)
    )
    _show(turn, incoming, turn.text("menu"), (*rows, (turn.button("button_ask_clinic", "ho:write"),)))


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
    if turn.patient is not None:
        turn.patient.last_question = topic.title  # what "Ask the clinic" under this answer is about
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
    guesses = turn.tools.minds[turn.language.code].topics.decide(asked).guesses if asked else ()
    near = [guess.topic for guess in guesses if guess.topic != missed][:2]
    rows: Rows = tuple((_topic_button(turn.language.topics[id_]),) for id_ in near)
    last = (turn.button("button_ask_clinic", "ho"), turn.button("button_menu", "menu"))
    turn.say(turn.text("missed"), (*rows, last))


def _if_now(turn: Turn, doubt: Finding | None) -> str:
    """Say what to do for somebody who has now what the question only asks about; empty if it asks of no danger."""
    if doubt is None:
        return ""
    sign = turn.language.red_flags[doubt.red_flag].title
    return "\n\n" + turn.text(f"doubt_{doubt.urgency}", sign=sign)


def _not_found(turn: Turn, incoming: Incoming, warning: str, first: str, rows: Rows) -> None:
    turn.say(
        f"{first} {turn.text('not_found')}".strip() + warning,
        (*rows, (turn.button("button_ask_clinic", "ho"),), (turn.button("button_menu", "menu"),)),
        reply_to=incoming.message_id,
    )
    if turn.patient is not None:
        hand_off.keep_question(turn, incoming.text)


def _counted(meant: Understanding) -> str:
    """Return under which name a message is counted."""
    if meant.kind == "check":
        return "checked"
    if meant.small_talk is not None:
        return f"small_talk:{meant.small_talk}"
    if meant.decision.answer is not None:
        return f"answered:{meant.decision.answer}"
    return "offered" if meant.decision.offers else "not_found"


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
