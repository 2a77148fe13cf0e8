"""Methods that change what was said: edits, deletions, reactions, pins, answers to presses."""

from datetime import timedelta
from typing import Any

from bot.sandbox.call import Call
from bot.sandbox.compose import caption_content, find_chat, open_chat, pace, read_markup, text_content
from bot.sandbox.model import JSON, Answer, Chat, Message
from bot.sandbox.refusal import Refusal, bad_request
from bot.sandbox.wire import message_json
from bot.sandbox.world import World

PRESS_LIVES = timedelta(seconds=150)
DELETABLE = timedelta(hours=48)
LONGEST_ANSWER = 200


def edit_text(world: World, call: Call) -> JSON:
    """Change a text; a keyboard that is not given again goes away."""
    message = _own(world, call)
    if "text" not in message.content:
        raise bad_request("there is no text in the message to edit")
    return _change(world, message, text_content(call), read_markup(call))


def edit_caption(world: World, call: Call) -> JSON:
    """Change a caption."""
    message = _own(world, call)
    if "text" in message.content:
        raise bad_request("there is no caption in the message to edit")
    kept = {key: part for key, part in message.content.items() if not key.startswith("caption")}
    return _change(world, message, {**kept, **caption_content(call)}, read_markup(call))


def edit_markup(world: World, call: Call) -> JSON:
    """Change or remove the keyboard."""
    message = _own(world, call)
    return _change(world, message, message.content, read_markup(call))


def delete_message(world: World, call: Call) -> bool:
    """Delete a message for everybody."""
    chat = open_chat(world, call)
    _delete(world, chat, call.integer("message_id"))
    return True


def delete_messages(world: World, call: Call) -> bool:
    """Delete several messages; those that cannot be deleted are passed over."""
    chat = open_chat(world, call)
    for number in call.sequence("message_ids") or []:
        try:
            _delete(world, chat, int(number))
        except Refusal:
            continue
    return True


def set_reaction(world: World, call: Call) -> bool:
    """Put the bot's reaction on a message."""
    message = open_chat(world, call).message(call.integer("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    message.reactions = [str(r.get("emoji", "★")) for r in call.sequence("reaction") or []]
    world.changed.beat()
    return True


def pin(world: World, call: Call) -> bool:
    """Pin a message."""
    _pinnable(world, call, "pin").pinned = True
    world.changed.beat()
    return True


def unpin(world: World, call: Call) -> bool:
    """Unpin one message, or the newest pinned one."""
    if call.integer("message_id"):
        _pinnable(world, call, "unpin").pinned = False
    else:
        pinned = [m for m in open_chat(world, call).messages if m.pinned]
        if pinned:
            pinned[-1].pinned = False
    world.changed.beat()
    return True


def answer_press(world: World, call: Call) -> bool:
    """Answer a button press: nothing, a toast, or an alert."""
    press, now = world.presses.get(call.text("callback_query_id")), world.clock.now()
    if press is None or now - press.at > PRESS_LIVES:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = call.text("text")
    if len(text) > LONGEST_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    if press.answer is None:
        alert = call.flag("show_alert")
        press.answer = Answer(text=text, alert=alert, url=call.text("url") or None, at=now)
        world.changed.beat()
    return True


def _own(world: World, call: Call) -> Message:
    chat = open_chat(world, call)
    message = chat.message(call.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.by_bot:
        raise bad_request("message can't be edited")
    pace(world, chat)
    return message


def _change(world: World, message: Message, content: JSON, markup: JSON | None) -> JSON:
    if content == message.content and markup == message.markup:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
    if content != message.content:
        message.edited_at = world.clock.now()
    message.content, message.markup = content, markup
    world.changed.beat()
    # Telegram gives an edit_date for a changed keyboard too, though nobody sees "edited" then.
    return {**message_json(message), "edit_date": int(world.clock.now().timestamp())}


def _delete(world: World, chat: Chat, number: int) -> None:
    message = chat.message(number)
    if message is None:
        raise bad_request("message to delete not found")
    if world.clock.now() - message.date > DELETABLE:
        raise bad_request("message can't be deleted for everyone")
    if chat.is_group and not message.by_bot and chat.bot_status != "administrator":
        raise bad_request("message can't be deleted")
    world.remove_message(message)


def _pinnable(world: World, call: Call, verb: str) -> Message:
    chat = open_chat(world, call)
    if chat.is_group and chat.bot_status != "administrator":
        raise bad_request("not enough rights to manage pinned messages in the chat")
    message = find_chat(world, call).message(call.integer("message_id"))
    if message is None:
        raise bad_request(f"message to {verb} not found")
    return message


METHODS: dict[str, Any] = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "setMessageReaction": set_reaction,
    "pinChatMessage": pin,
    "unpinChatMessage": unpin,
    "answerCallbackQuery": answer_press,
}
