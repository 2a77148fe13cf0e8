"""Telegram's HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.markup import TAGS, parse_html, trim, utf16, with_found
from bot.sandbox.refusal import Refusal


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("<b>bold</b> <i>it</i>", "bold it", [("bold", 0, 4), ("italic", 5, 2)]),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ("<strong>x</strong><em>y</em><u>z</u><s>w</s>", "xyzw", [("bold", 0, 1), ("italic", 1, 1), ("underline", 2, 1), ("strikethrough", 3, 1)]),
        ("a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#x27;", "a <b> & \"c\" 'd'", []),
        ("&nbsp; stays", "&nbsp; stays", []),
        # Offsets count UTF-16: the face is two units long.
        ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
        ("<tg-spoiler>x</tg-spoiler>", "x", [("spoiler", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<blockquote>q</blockquote>", "q", [("blockquote", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ("<b></b>x", "x", []),
        ("<B>x</B>", "x", [("bold", 0, 1)]),
    ],
)  # fmt: skip
def test_html_becomes_text_and_entities(source: str, text: str, entities: list[tuple[str, int, int]]) -> None:
    """Each tag that Telegram knows becomes its entity."""
    found, marks = parse_html(source)

    assert found == text
    assert [(m["type"], m["offset"], m["length"]) for m in marks] == entities


def test_links_and_code_carry_more() -> None:
    """A link keeps its address, a block of code its language."""
    _, [link] = parse_html('<a href="https://x.org/?a=1&amp;b=2">x</a>')
    _, [block] = parse_html('<pre><code class="language-python">x</code></pre>')

    assert link["url"] == "https://x.org/?a=1&b=2"
    assert block == {"type": "pre", "offset": 0, "length": 1, "language": "python"}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("<b>x", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ("x</b>", "can't parse entities: Unexpected end tag at byte offset 1"),
        (
            "<b>x</i>",
            'can\'t parse entities: Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
        ),
        ("é <div>x</div>", 'can\'t parse entities: Unsupported start tag "div" at byte offset 3'),
        ("pain < 3", 'can\'t parse entities: Unsupported start tag "" at byte offset 5'),
        ("a <b", "can't parse entities: Unclosed start tag at byte offset 2"),
        ("<b>x</b", "can't parse entities: Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'can\'t parse entities: Tag "span" must have class'),
    ],
)
def test_bad_markup_is_refused_in_telegrams_words(source: str, complaint: str) -> None:
    """Unescaped text of a patient does not pass by accident."""
    with pytest.raises(Refusal) as refused:
        parse_html(source)

    assert refused.value.code == 400
    assert complaint in refused.value.description


@given(st.text())
def test_escaped_text_comes_out_as_it_was(text: str) -> None:
    """Whatever somebody typed survives escaping and parsing."""
    source = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    assert parse_html(f"<b>{source}</b>")[0] == text


@given(
    st.lists(
        st.sampled_from(
            [*(f"<{t}>" for t in TAGS), *(f"</{t}>" for t in TAGS), "x", "😀", "&", "<", ">", '"']
        )
    )
)
def test_any_mixture_is_read_or_refused(pieces: list[str]) -> None:
    """Whatever comes, the parser answers with entities inside the text, or with a 400."""
    refused = ""
    try:
        text, entities = parse_html("".join(pieces))
    except Refusal as refusal:
        text, entities, refused = "", [], refusal.description
    assert not refused or refused.startswith("Bad Request: can't parse entities: ")
    assert all(0 <= e["offset"] < e["offset"] + e["length"] <= utf16(text) for e in entities)


def test_white_space_at_the_ends_is_cut_and_entities_move() -> None:
    """Telegram trims a message, and so must the offsets."""
    text, entities = trim("  hi \n", [{"type": "bold", "offset": 2, "length": 4}])

    assert (text, entities) == ("hi", [{"type": "bold", "offset": 0, "length": 2}])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start abc", [("bot_command", "/start")]),
        ("/treated@my_bot now", [("bot_command", "/treated@my_bot")]),
        ("1/2 and a/b", []),
        ("see https://t.me/x_bot?start=ab-c_9.", [("url", "https://t.me/x_bot?start=ab-c_9")]),
        ("(t.me/abc)", [("url", "t.me/abc")]),
        ("ask @mei_physio or a@b.sg", [("mention", "@mei_physio"), ("email", "a@b.sg")]),
        ("call +65 6123 4567.", [("phone_number", "+65 6123 4567")]),
    ],
)
def test_links_and_commands_are_found(text: str, found: list[tuple[str, str]]) -> None:
    """What Telegram finds by itself is marked."""
    entities = with_found(text, [])

    assert [(e["type"], text[e["offset"] :][: e["length"]]) for e in entities] == found


def test_nothing_is_found_inside_code() -> None:
    """A command inside code is only shown."""
    entities = [{"type": "code", "offset": 0, "length": 6}]

    assert with_found("/start", entities) == entities
