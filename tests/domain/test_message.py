"""Tests of `bot.domain.message`: text made safe, cut to size and read back; buttons and messages within limits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.message import (
    DATA_LIMIT,
    NAME_LIMIT,
    TEXT_LIMIT,
    Button,
    Kind,
    Outgoing,
    Priority,
    Sender,
    escape,
    length,
    plain,
    render,
    split,
    variables_of,
)

# --- safe text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "values", "html"),
    [
        ("Call {clinic.phone}.", {"clinic.phone": "+65 6000"}, "Call +65 6000."),
        ("<b>Hello</b> <i>you</i> <u>there</u>", {}, "<b>Hello</b> <i>you</i> <u>there</u>"),
        ("{name}", {"name": "<b>Tan & Co</b>"}, "&lt;b&gt;Tan &amp; Co&lt;/b&gt;"),  # a value has no markup
        ("5 < 6 & <a href='x'>", {}, "5 &lt; 6 &amp; &lt;a href='x'&gt;"),  # nor has a template any other
        ("{a}", {"a": "{b}", "b": "never"}, "{b}"),  # braces in a value are words, not a variable
        ("{number} of 10", {"number": 7}, "7 of 10"),
        ("{A} {1} {a.b.c} { a }", {}, "{A} {1} {a.b.c} { a }"),  # no variables
        ("<b >", {}, "&lt;b &gt;"),
    ],
)
def test_a_template_becomes_safe_html(template: str, values: dict[str, object], html: str) -> None:
    """Variables are filled and escaped; of the template's markup, bold, italic and underlined survive."""
    assert render(template, values) == html


def test_a_variable_without_a_value_is_an_error() -> None:
    """A template that names what nobody gave raises `KeyError` with the name."""
    with pytest.raises(KeyError, match=r"clinic\.phone"):
        render("Call {clinic.phone}.")


def test_the_variables_of_a_template_are_its_names_in_braces() -> None:
    """Each name counts once; other braces are words."""
    assert variables_of("{clinic.phone} or {clinic.phone}, {when}; {A} {} {a b}") == {"clinic.phone", "when"}


@given(st.text())
def test_what_is_rendered_reads_as_it_was_written(value: str) -> None:
    """A value comes back letter for letter when the markup is taken away, whatever stands in it."""
    assert plain(render("<b>{said}</b>", {"said": value})) == value
    assert plain(escape(value)) == value


@given(st.text(alphabet=st.sampled_from("<>&;/bilt#x3 'amp\"{}")))
def test_what_looks_like_markup_is_never_markup(value: str) -> None:
    """No value can open a tag or an entity of its own."""
    html = render("{said}", {"said": value})
    assert "<" not in html
    assert ">" not in html
    assert plain(html) == value


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<b>Call</b> now", "Call now"),
        ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
        ("&amp;lt;", "&lt;"),  # unescaped once, not twice
        ("<a href='x'>link</a>", "link"),
    ],
)
def test_plain_text_is_what_a_person_reads(html: str, words: str) -> None:
    """Tags go, entities become the letters they stand for."""
    assert plain(html) == words


# --- length and cutting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "units"), [("", 0), ("abc", 3), ("干针", 2), ("👍", 2), ("👍🏽", 4), ("é", 1)]
)
def test_length_is_counted_in_utf16_units(text: str, units: int) -> None:
    """An emoji counts two, as it does for Telegram."""
    assert length(text) == units


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 5, [""]),
        ("abcde", 5, ["abcde"]),  # exactly at the limit
        ("abcdef", 5, ["abcde", "f"]),  # nowhere better to cut
        ("abc def", 5, ["abc ", "def"]),  # behind the blank
        ("ab c\nde", 5, ["ab c\n", "de"]),  # a line's end is better than a blank
        ("a bcdefgh", 5, ["a bcd", "efgh"]),  # but not at the price of a nearly empty piece
        ("ab👍👍", 5, ["ab👍", "👍"]),  # an emoji is never cut in two
    ],
)
def test_long_text_is_cut_where_it_hurts_least(text: str, limit: int, pieces: list[str]) -> None:
    """Pieces end at line ends or blanks where there are any."""
    assert split(text, limit) == pieces


TEXTS = st.text(alphabet=st.sampled_from("ab \n干é👍"), max_size=60) | st.text(max_size=60)


@given(TEXTS, st.integers(2, 30))
def test_pieces_fit_and_are_the_text_again(text: str, limit: int) -> None:
    """No piece is longer than the limit or empty, and together they are the text, letter for letter."""
    pieces = split(text, limit)
    assert "".join(pieces) == text
    assert all(length(piece) <= limit for piece in pieces)
    assert all(pieces) or pieces == [""]


@given(st.text(min_size=1, max_size=40), st.integers(1, 600))
def test_pieces_fit_into_telegrams_messages(text: str, times: int) -> None:
    """Without a limit of one's own, each piece fits 4096 UTF-16 units."""
    pieces = split(text * times)
    assert "".join(pieces) == text * times
    assert all(len(piece.encode("utf-16-le")) // 2 <= 4096 for piece in pieces)
    assert TEXT_LIMIT == 4096


# --- values -------------------------------------------------------------------------------------------------


def test_danger_goes_before_everything_else() -> None:
    """The order in which messages leave is danger, replies, alerts, check-ins, digests."""
    assert [priority.name for priority in sorted(Priority)] == [
        "DANGER",
        "REPLY",
        "ALERT",
        "CHECK_IN",
        "DIGEST",
    ]


def test_a_button_carries_64_bytes_at_most() -> None:
    """Telegram counts bytes, not letters: 64 of them pass, 65 do not."""
    assert Button(label="Yes", data="x" * DATA_LIMIT).data == "x" * 64
    with pytest.raises(ValueError, match="'Yes' is longer than 64 bytes"):
        Button(label="Yes", data="x" * 65)
    with pytest.raises(ValueError, match="longer than 64 bytes"):
        Button(label="Yes", data="针" * 22)


@pytest.mark.parametrize(("data", "url"), [(None, None), ("menu", "https://example.org")])
def test_a_button_does_one_thing(data: str | None, url: str | None) -> None:
    """A button comes back or opens a page: neither is a fault, and so is both."""
    with pytest.raises(ValueError, match="'Yes' needs either data or a url"):
        Button(label="Yes", data=data, url=url)


KINDS: st.SearchStrategy[Kind] = st.sampled_from(["text", "edit", "photo", "document", "copy"])
BUTTONS = st.builds(
    Button, label=st.text(max_size=20), data=st.text(alphabet="abc:1", max_size=64)
) | st.builds(Button, label=st.text(max_size=20), url=st.just("https://example.org"))
ROWS = st.lists(st.lists(BUTTONS, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple)
IDS = st.none() | st.integers(1, 2**52)
WORDS = st.none() | st.text(min_size=1, max_size=20)
MESSAGES = st.builds(
    Outgoing,
    kind=KINDS,
    text=st.text(max_size=40),
    buttons=ROWS,
    slot=WORDS,
    message_id=IDS,
    from_chat=IDS | st.integers(-(2**52), -1),
    reply_to=IDS,
    file_id=WORDS,
    file=WORDS,
    file_name=WORDS,
    force_reply=st.booleans(),
)


@given(MESSAGES)
def test_a_message_survives_the_database(message: Outgoing) -> None:
    """What is stored as JSON is read back as the same message."""
    assert Outgoing.from_dict(json.loads(json.dumps(message.to_dict()))) == message


def test_only_what_a_message_has_is_stored() -> None:
    """Empty fields are left out."""
    assert Outgoing(text="Hello").to_dict() == {"kind": "text", "text": "Hello"}


def test_what_is_stored_beside_a_message_is_no_part_of_it() -> None:
    """A later version's fields, or a receipt, do not keep a message from being read."""
    message = Outgoing(text="Hello", buttons=((Button(label="Menu", data="menu"),),))
    stored = {**message.to_dict(), "receipt": [1, 2], "new_field": True}
    assert Outgoing.from_dict(stored) == message
    assert Outgoing.from_dict(stored) != replace(message, buttons=())


def test_a_name_that_is_too_long_is_cut() -> None:
    """It stands in messages to staff, which have room for so much only."""
    assert len(Sender(id=1, name="x" * 9000).name) == NAME_LIMIT
    assert Sender(id=1, name="Ana Lim").name == "Ana Lim"
