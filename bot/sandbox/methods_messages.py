"""Methods that send: text, pictures, documents, copies."""

from typing import Any

from bot.sandbox.call import Call, Upload
from bot.sandbox.compose import (
    caption_content,
    find_chat,
    open_chat,
    pace,
    read_markup,
    read_reply,
    text_content,
)
from bot.sandbox.files import picture_size, reference
from bot.sandbox.model import JSON, Chat, File, Message
from bot.sandbox.refusal import bad_request
from bot.sandbox.wire import message_json, stamp, user_json
from bot.sandbox.world import MEDIA, World

LARGEST_PHOTO = 10_000_000


def send_message(world: World, call: Call) -> JSON:
    """Send a text."""
    chat = open_chat(world, call)
    return message_json(_post(world, call, chat, text_content(call)))


def send_photo(world: World, call: Call) -> JSON:
    """Send a picture, uploaded or known by its id."""
    chat = open_chat(world, call)
    files, sizes = _photo(world, call)
    return message_json(_post(world, call, chat, {"photo": sizes, **caption_content(call)}, files))


def send_document(world: World, call: Call) -> JSON:
    """Send a file of any kind."""
    chat = open_chat(world, call)
    file = _file(world, call, "document", "documents")
    part = {**reference(file), "file_name": file.name, "mime_type": file.mime}
    return message_json(_post(world, call, chat, {"document": part, **caption_content(call)}, (file,)))


def send_voice(world: World, call: Call) -> JSON:
    """Send a voice message."""
    chat = open_chat(world, call)
    file = _file(world, call, "voice", "voice")
    part = {**reference(file), "duration": call.integer("duration"), "mime_type": file.mime}
    return message_json(_post(world, call, chat, {"voice": part, **caption_content(call)}, (file,)))


def copy_message(world: World, call: Call) -> JSON:
    """Send the same content again, without a word of where it comes from."""
    chat = open_chat(world, call)
    source = _source(world, call, "copy")
    content = {key: part for key, part in source.content.items() if key != "forward_origin"}
    if "caption" in call.params and "text" not in content:
        content = {k: v for k, v in content.items() if not k.startswith("caption")} | caption_content(call)
    return {"message_id": _post(world, call, chat, content, source.files).id}


def forward_message(world: World, call: Call) -> JSON:
    """Send a message on, saying whose it is."""
    chat = open_chat(world, call)
    source = _source(world, call, "forward")
    origin: JSON = {"type": "chat", "date": stamp(source.date)}
    if source.sender is not None:
        origin = {"type": "user", "date": stamp(source.date), "sender_user": user_json(source.sender)}
    content = {"forward_origin": origin, **source.content}
    return message_json(_post(world, call, chat, content, source.files))


def send_chat_action(world: World, call: Call) -> bool:
    """Show "typing…" in a chat."""
    chat = open_chat(world, call)
    if not call.text("action"):
        raise bad_request("wrong parameter action in request")
    world.show_typing(chat)
    return True


def _post(world: World, call: Call, chat: Chat, content: JSON, files: tuple[File, ...] = ()) -> Message:
    markup, reply_to = read_markup(call), read_reply(call, chat)
    pace(world, chat)
    chat.typing_until = 0.0
    if markup is not None and "inline_keyboard" not in markup:
        chat.keyboard = markup if "keyboard" in markup else None
    return world.add_message(chat, world.bot, content, reply_to=reply_to, markup=markup, files=files)


def _source(world: World, call: Call, verb: str) -> Message:
    source = find_chat(world, call, "from_chat_id").message(call.integer("message_id"))
    if source is None or not any(key in source.content for key in ("text", *MEDIA)):
        raise bad_request(f"message to {verb} not found")
    return source


def _photo(world: World, call: Call) -> tuple[tuple[File, ...], list[JSON]]:
    upload = call.upload("photo")
    if upload is None:
        known = _known(world, call, "photo")
        return world.files.keep_photo(known.content) if not known.path.startswith("photos/") else _same(known)
    if len(upload.content) > LARGEST_PHOTO:
        raise bad_request("file is too big")
    if picture_size(upload.content) is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    return world.files.keep_photo(upload.content)


def _same(known: File) -> tuple[tuple[File, ...], list[JSON]]:
    width, height = picture_size(known.content) or (1, 1)
    return (known,), [{**reference(known), "width": width, "height": height}]


def _file(world: World, call: Call, name: str, kind: str) -> File:
    upload: Upload | None = call.upload(name)
    if upload is None:
        return _known(world, call, name)
    if not upload.content:
        raise bad_request("file must be non-empty")
    return world.files.keep(upload.content, kind=kind, name=upload.name, mime=upload.mime)


def _known(world: World, call: Call, name: str) -> File:
    file_id = call.text(name)
    if not file_id:
        raise bad_request(f"there is no {name} in the request")
    known = world.files.by_id(file_id)
    if known is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return known


METHODS: dict[str, Any] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendVoice": send_voice,
    "copyMessage": copy_message,
    "forwardMessage": forward_message,
    "sendChatAction": send_chat_action,
}
