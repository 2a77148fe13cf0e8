"""Tests of `bot.domain.raw`: a look at any JSON at all, without an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.message import Incoming, Media, Sender
from bot.domain.raw import Glance, glance

PRIVATE = {"id": 11, "type": "private", "first_name": "Ana"}
ANA = {"id": 11, "is_bot": False, "first_name": "Ana", "last_name": "Lim", "language_code": "en"}


def message(**fields: Any) -> dict[str, Any]:
    """Return a raw message in Ana's private chat."""
    return {"message_id": 5, "date": 1, "chat": PRIVATE, "from": ANA, **fields}


def test_a_message_is_told_as_far_as_it_goes() -> None:
    """Who, where, which words, what they answer."""
    raw = {"update_id": 9, "message": message(text="it hurts", reply_to_message={"message_id": 4})}

    assert glance(9, raw) == Glance(
        kind="message",
        private=True,
        incoming=Incoming(
            update_id=9,
            chat_id=11,
            sender=Sender(id=11, name="Ana Lim", language="en"),
            message_id=5,
            text="it hurts",
            replied_to=4,
        ),
    )


def test_an_edited_caption_is_words_and_its_picture_a_medium() -> None:
    """Of a photo the largest size; what was edited says so."""
    sizes = [{"file_id": "small"}, {"file_id": "large"}]
    incoming = glance(9, {"edited_message": message(caption="it grows", photo=sizes)}).incoming

    assert incoming is not None
    assert (incoming.text, incoming.media, incoming.edited) == (
        "it grows",
        Media(kind="photo", file_id="large"),
        True,
    )


def test_a_tap_is_told_by_what_stands_on_the_button() -> None:
    """The words above a button and on it are the bot's own, so they are no words of the person."""
    keys = [[{"text": "No", "callback_data": "a"}], [{"text": "Yes, fever", "callback_data": "b"}, 5], None]
    asked = message(text="Have you a fever?", reply_markup={"inline_keyboard": keys})

    seen = glance(9, {"callback_query": {"id": "1", "from": ANA, "message": asked, "data": "b"}})

    assert (seen.under, seen.label) == ("Have you a fever?", "Yes, fever")
    assert seen.incoming is not None
    assert (seen.incoming.text, seen.incoming.data, seen.incoming.chat_id) == ("", "b", 11)


@pytest.mark.parametrize(
    ("chat", "private", "group"),
    [
        ({"id": 11, "type": "private"}, True, False),
        ({"id": -5, "type": "group"}, False, True),
        ({"id": -100, "type": "supergroup"}, False, True),
        ({"id": -100, "type": "channel"}, False, False),
        ({"id": 11}, True, False),  # people have ids above 0
        ({"id": -5}, False, False),
    ],
)
def test_the_kind_of_chat(chat: dict[str, Any], private: bool, group: bool) -> None:
    """Private chats and groups are told apart; what is neither is neither."""
    seen = glance(9, {"message": message(chat=chat)})

    assert (seen.private, seen.group) == (private, group)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"update_id": 9, "my_chat_member": {"chat": PRIVATE, "from": ANA}}, "my_chat_member"),
        ({"channel_post": message(text="news")}, "channel_post"),
        ({"message": message(chat={"id": "x"})}, "message"),
        ({"callback_query": {"from": ANA, "data": "b"}}, "callback_query"),  # under no message
        ({"message": "words"}, "unknown"),
        ({}, "unknown"),
        (None, "unknown"),
    ],
)
def test_with_what_nobody_wants_anything_there_is_nobody_to_tell(raw: object, kind: str) -> None:
    """Only its kind is told."""
    assert glance(9, raw) == Glance(kind=kind)


def test_a_sender_without_a_name_has_one_that_can_be_shown() -> None:
    """A question mark is better than nothing."""
    incoming = glance(9, {"message": message(**{"from": None}, text="x")}).incoming

    assert incoming is not None
    assert incoming.sender == Sender(id=0, name="?", language=None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("message", "edited_message", "callback_query", "chat", "id", "type", "from", "text"),
                    *(
                        "caption",
                        "photo",
                        "file_id",
                        "data",
                        "reply_markup",
                        "inline_keyboard",
                        "callback_data",
                    ),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(_JSON)
def test_no_shape_is_an_error(raw: object) -> None:
    """Whatever Telegram may send one day, a look at it tells of what kinds the parts are, or that they are not there."""
    incoming = glance(9, raw).incoming

    if incoming is not None:
        assert isinstance(incoming.chat_id, int)
        assert isinstance(incoming.text, str)
        assert isinstance(incoming.sender.name, str)
