"""The endpoints through which the page lets people act; each takes JSON or a form."""

from collections.abc import Callable
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from bot.sandbox.acts import NotPossible
from bot.sandbox.model import JSON, Chat, Message, Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.view import message_json, person_json

Body = dict[str, Any]
PRESS_SECONDS = 8.0


async def read_body(request: Request) -> Body:
    """Return the parameters: those in the path, and those of a JSON body or a form."""
    body: Body = {}
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    body[name] = await value.read()
                    body["file_name"], body["mime"] = value.filename or "file", value.content_type or ""
                else:
                    body[name] = value
    elif await request.body():
        sent = await request.json()
        if not isinstance(sent, dict):
            raise ValueError("an object is expected")
        body = sent
    return body | dict(request.path_params)


def _person(sandbox: Sandbox, body: Body) -> Person:
    return sandbox.person(int(body["person"]))


def _chat(sandbox: Sandbox, body: Body) -> Chat:
    return sandbox.chat(int(body["chat"]))


def _message(sandbox: Sandbox, body: Body, name: str = "message") -> Message:
    message = _chat(sandbox, body).message(int(body[name]))
    if message is None:
        raise NotPossible("this message is gone")
    return message


def _add_person(sandbox: Sandbox, body: Body) -> JSON:
    name = str(body.get("first_name", "")).strip()
    if not name:
        raise NotPossible("a person needs a name")
    return person_json(
        sandbox.add_person(
            name,
            last_name=body.get("last_name"),
            username=body.get("username"),
            language_code=body.get("language_code", "en"),
            phone=bool(body.get("phone", True)),
        )
    )


def _start(sandbox: Sandbox, body: Body) -> JSON:
    return message_json(sandbox.opens_link(_person(sandbox, body), str(body.get("payload", ""))))


def _text(sandbox: Sandbox, body: Body) -> JSON:
    reply_to = _message(sandbox, body, "reply_to") if body.get("reply_to") else None
    person, chat = _person(sandbox, body), _chat(sandbox, body)
    forwarded = body.get("forwarded_from")
    return message_json(
        sandbox.says(person, str(body["text"]), chat=chat, reply_to=reply_to, forwarded_from=forwarded)
    )


def _edit(sandbox: Sandbox, body: Body) -> JSON:
    message = _message(sandbox, body)
    if message.sender is not _person(sandbox, body):
        raise NotPossible("only one's own message can be edited")
    return message_json(sandbox.edits(message, str(body["text"])))


def _photo(sandbox: Sandbox, body: Body) -> JSON:
    person, chat, caption = _person(sandbox, body), _chat(sandbox, body), str(body.get("caption", ""))
    return message_json(sandbox.sends_photo(person, content=body.get("file"), caption=caption, chat=chat))


def _document(sandbox: Sandbox, body: Body) -> JSON:
    person, chat = _person(sandbox, body), _chat(sandbox, body)
    name, mime = str(body["file_name"]), str(body["mime"]) or "application/octet-stream"
    return message_json(sandbox.sends_document(person, body["file"], name, mime=mime, chat=chat))


def _sample(sandbox: Sandbox, body: Body) -> JSON:
    person, chat = _person(sandbox, body), _chat(sandbox, body)
    return message_json(sandbox.sends_sample(person, str(body["kind"]), chat=chat))


async def _press(sandbox: Sandbox, body: Body) -> JSON:
    press = sandbox.presses_data(_person(sandbox, body), _message(sandbox, body), str(body["data"]))
    answer = (await sandbox.answered(press, seconds=float(body.get("seconds", PRESS_SECONDS)))).answer
    if answer is None:
        return {"answered": False}
    return {"answered": True, "text": answer.text, "alert": answer.alert, "url": answer.url}


def _block(sandbox: Sandbox, body: Body) -> None:
    sandbox.blocks(_person(sandbox, body))


def _unblock(sandbox: Sandbox, body: Body) -> None:
    sandbox.unblocks(_person(sandbox, body))


def _deactivate(sandbox: Sandbox, body: Body) -> None:
    sandbox.deactivates(_person(sandbox, body))


def _add_group(sandbox: Sandbox, body: Body) -> JSON:
    members = [sandbox.person(int(number)) for number in body["members"]]
    if not members:
        raise NotPossible("a group needs somebody in it")
    kind, admin = str(body.get("kind", "group")), bool(body.get("admin", False))
    return {"id": sandbox.add_group(str(body["title"]), members=members, kind=kind, admin=admin).id}


def _add_member(sandbox: Sandbox, body: Body) -> JSON:
    if body.get("person"):
        person = _person(sandbox, body)
    else:
        person = sandbox.add_person(str(body["first_name"]), phone=False)
    sandbox.add_member(_chat(sandbox, body), person, status=str(body.get("status", "member")))
    return person_json(person)


def _remove_member(sandbox: Sandbox, body: Body) -> None:
    sandbox.remove_member(_chat(sandbox, body), _person(sandbox, body))


def _bot(sandbox: Sandbox, body: Body) -> None:
    if body["status"] == "kicked":
        sandbox.remove_bot(_chat(sandbox, body))
    else:
        sandbox.add_bot(_chat(sandbox, body), admin=body["status"] == "administrator")


def _migrate(sandbox: Sandbox, body: Body) -> JSON:
    return {"id": sandbox.migrate(_chat(sandbox, body)).id}


DOORS: dict[str, Callable[[Sandbox, Body], Any]] = {
    "/sandbox/people": _add_person,
    "/sandbox/people/{person}/start": _start,
    "/sandbox/people/{person}/block": _block,
    "/sandbox/people/{person}/unblock": _unblock,
    "/sandbox/people/{person}/deactivate": _deactivate,
    "/sandbox/chats/{chat}/text": _text,
    "/sandbox/chats/{chat}/edit": _edit,
    "/sandbox/chats/{chat}/photo": _photo,
    "/sandbox/chats/{chat}/document": _document,
    "/sandbox/chats/{chat}/sample": _sample,
    "/sandbox/chats/{chat}/press": _press,
    "/sandbox/groups": _add_group,
    "/sandbox/groups/{chat}/members": _add_member,
    "/sandbox/groups/{chat}/members/remove": _remove_member,
    "/sandbox/groups/{chat}/bot": _bot,
    "/sandbox/groups/{chat}/migrate": _migrate,
}
