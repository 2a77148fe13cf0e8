"""Updates of every type and shape that a Bot API server could send, and of those that it never would: for fuzzing."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

#: Stands in every text that is made here: wherever it turns up in a log, a person's words have leaked.
MARK = "zqMARKqz"

#: Every kind of update in the Bot API 9.x ("Update"), and two that do not exist.
KINDS = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "message_reaction", "message_reaction_count",
    "inline_query", "chosen_inline_result", "callback_query", "shipping_query", "pre_checkout_query",
    "purchased_paid_media", "poll", "poll_answer", "my_chat_member", "chat_member", "chat_join_request",
    "chat_boost", "removed_chat_boost", "something_new", "",
)  # fmt: skip

_HOSTILE = (
    "", " ", "\x00", "\ud800", "\u202e", "<b>", "</b", "&lt;", "{clinic.name}", "%s %d", "_*[]()~`>#+-=|.!", "😣" * 50, "a\u0301" * 30,
    "'; DROP TABLE patients; --", "/start", "/start@somebot x", "/forget yes", "i cant breathe", "STOP", "\n" * 200,
    "x" * 9000, "../../etc", "\r\nX-Injected: 1", "還痛嗎", "１２３", "9" * 400, "\u200d" * 40,
)  # fmt: skip
_DATA = ("ci:1:start", "ci:1:fix:soreness", "ci::::", "al:1:ack", "al:1:o:", "d:1", "tr:9:x", "tz:", "lang:xx", "t:", "agree", "ho:sure", "chk:1:yes", "\x00", "x" * 64)  # fmt: skip

texts = st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=60)).map(lambda text: f"{text} {MARK}")
numbers = st.one_of(
    st.integers(1, 40),
    st.integers(-40, -1),
    st.sampled_from([0, 2**31, -(2**31), 2**52, 2**63, -(2**63), 2**70, -1001234567890]),
)
scraps = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(("id", "text", "chat", "x")), inner, max_size=3),
    ),
    max_leaves=5,
)


def _mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy that is right nine times of ten, and anything at all the tenth time."""
    return st.integers(0, 9).flatmap(lambda die: scraps if die == 9 else right)


def _with_holes(
    fields: dict[str, st.SearchStrategy[Any]], **needed: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return a mapping: mostly with all that is *needed*, else with holes in it; other fields may be there, or wrong."""
    wrong = {name: _mostly(strategy) for name, strategy in (fields | needed).items()}
    torn = st.fixed_dictionaries({}, optional={**wrong, "new_field": scraps})
    whole = st.fixed_dictionaries(needed, optional={name: wrong[name] for name in fields})
    return st.integers(0, 3).flatmap(lambda die: torn if die == 3 else whole)


users = _with_holes(
    {"last_name": texts, "username": texts, "language_code": st.sampled_from(("en", "zh-hans", "xx", ""))},
    id=numbers,
    is_bot=st.booleans(),
    first_name=texts,
)
chats = _with_holes(
    {"title": texts},
    id=st.one_of(st.sampled_from((11, 11, -100, -100)), numbers),
    type=st.sampled_from(("private", "private", "group", "supergroup", "channel", "sender")),
)
_files = _with_holes({"file_id": texts, "file_unique_id": texts, "width": numbers, "height": numbers, "duration": numbers, "emoji": texts})  # fmt: skip
_entities = st.lists(
    _with_holes(
        {"type": st.sampled_from(("bot_command", "mention", "url")), "offset": numbers, "length": numbers}
    ),
    max_size=3,
)
_members = _with_holes(
    {}, status=st.sampled_from(("member", "left", "kicked", "restricted", "creator")), user=users
)
_media = {
    name: (st.lists(_files, max_size=2) if name in ("photo", "new_chat_photo") else _files)
    for name in (
        "photo",
        "sticker",
        "voice",
        "video",
        "video_note",
        "audio",
        "document",
        "animation",
        "new_chat_photo",
    )
}
_OTHERS = (
    "location", "contact", "poll", "dice", "venue", "game", "story", "forward_origin", "pinned_message", "via_bot",
    "new_chat_members", "left_chat_member", "successful_payment", "web_app_data", "checklist", "paid_media", "quote",
)  # fmt: skip
_rest = dict.fromkeys(_OTHERS, scraps)


def _message(replied: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _with_holes(
        {
            "edit_date": numbers,
            "sender_chat": chats,
            "text": texts,
            "caption": texts,
            "entities": _entities,
            "caption_entities": _entities,
            "reply_to_message": replied,
            "migrate_to_chat_id": numbers,
            "migrate_from_chat_id": numbers,
            "reply_markup": scraps,
            **_media,
            **_rest,
        },
        message_id=st.integers(1, 2**31),
        date=st.one_of(st.integers(0, 2_000_000_000), numbers),
        chat=chats,
        **{"from": users},
    )


messages = _message(st.one_of(st.none(), _message(st.none())))
_taps = _with_holes(
    {"inline_message_id": texts},
    id=texts,
    message=messages,
    data=st.sampled_from(_DATA),
    chat_instance=texts,
    **{"from": users},
)
_changes = _with_holes(
    {}, chat=chats, date=numbers, old_chat_member=_members, new_chat_member=_members, **{"from": users}
)
_by_kind = {
    "callback_query": _taps,
    "my_chat_member": _changes,
    "chat_member": _changes,
    **dict.fromkeys(("message", "edited_message", "channel_post", "business_message"), messages),
}
_other = _with_holes(
    {"id": texts, "from": users, "chat": chats, "query": texts, "date": numbers, "message": messages}
)


def _update(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    inside = _by_kind.get(kind, _other)
    return st.tuples(
        _mostly(inside), st.one_of(st.just({}), st.dictionaries(st.text(max_size=9), scraps, max_size=2))
    ).map(lambda parts: {kind: parts[0], **parts[1]})


#: An update without its number: the test gives it one.
updates = st.sampled_from((*KINDS, *("message", "callback_query") * 20)).flatmap(_update)
