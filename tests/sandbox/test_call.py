"""Reading the parameters of one call."""

import pytest

from bot.sandbox.call import Call, Upload
from bot.sandbox.refusal import Refusal


def call(**params: object) -> Call:
    """Make a call with these parameters."""
    return Call("sendMessage", dict(params), {})


def test_values_may_be_given_plainly_or_as_json() -> None:
    """What a form carries as text and JSON carries as it is reads the same."""
    assert call(reply_markup='{"a": 1}').mapping("reply_markup") == call(reply_markup={"a": 1}).mapping(
        "reply_markup"
    )
    assert call(chat_id="-5").integer("chat_id") == call(chat_id=-5).integer("chat_id") == -5
    assert call(show_alert="true").flag("show_alert") is call(show_alert=True).flag("show_alert") is True


@pytest.mark.parametrize(
    ("params", "read"),
    [
        ({"chat_id": "abc"}, lambda c: c.integer("chat_id")),
        ({"reply_markup": "{"}, lambda c: c.mapping("reply_markup")),
        ({"reply_markup": "[1]"}, lambda c: c.mapping("reply_markup")),
        ({"commands": "{}"}, lambda c: c.sequence("commands")),
    ],
)
def test_what_cannot_be_read_is_refused(params, read) -> None:  # type: ignore[no-untyped-def]
    """A value of the wrong kind is a Bad Request."""
    with pytest.raises(Refusal, match="Bad Request"):
        read(call(**params))


def test_the_record_opens_json_and_names_files() -> None:
    """A recorded call can be read by people and compared by tests."""
    sent = Call(
        "sendPhoto",
        {"reply_markup": '{"a": [1]}', "caption": "{x"},
        {"photo": Upload("p.png", "image/png", b"12")},
    )

    assert sent.recorded() == {"reply_markup": {"a": [1]}, "caption": "{x", "photo": "<p.png, 2 bytes>"}


def test_a_file_may_be_attached_by_name() -> None:
    """attach://name points to another part of the form."""
    upload = Upload("p.png", "image/png", b"12")

    assert Call("sendPhoto", {"photo": "attach://file0"}, {"file0": upload}).upload("photo") is upload
