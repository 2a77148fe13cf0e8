"""Each endpoint through which the page lets people act."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from telegram import Bot

from bot.sandbox.files import bruise
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import Address


@pytest.fixture
async def page(address: Address) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the page."""
    async with httpx.AsyncClient(base_url=address.url) as client:
        yield client


async def act(page: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """Do something that must work."""
    reply = await page.post(f"/sandbox/{path}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_patient_from_adding_to_blocking(page: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Add, start, write, reply, edit, send samples, block, unblock, delete the account."""
    number = (await act(page, "people", first_name="Chloé", language_code="fr"))["id"]
    start = await act(page, f"people/{number}/start", payload="abc")
    text = await act(page, f"chats/{number}/text", person=number, text="ça fait mal?", reply_to=start["id"])
    await act(page, f"chats/{number}/edit", person=number, message=text["id"], text="ça fait mal ?")
    await act(page, f"chats/{number}/photo", person=number, caption="voilà")
    await act(page, f"chats/{number}/sample", person=number, kind="voice")

    shown = sandbox.chat(number).messages
    assert [m.text for m in shown] == ["/start abc", "ça fait mal ?", "voilà", ""]
    assert shown[1].reply_to is shown[0]
    await act(page, f"people/{number}/block")
    assert sandbox.person(number).blocked
    refused = await page.post(f"/sandbox/chats/{number}/text", json={"person": number, "text": "x"})
    assert (refused.status_code, "unblock" in refused.json()["error"]) == (409, True)
    await act(page, f"people/{number}/unblock")
    await act(page, f"people/{number}/deactivate")
    assert (sandbox.person(number).blocked, sandbox.person(number).deactivated) == (False, True)


async def test_uploads(page: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Pictures and documents come as forms."""
    ana = sandbox.add_person("Ana")
    await page.post(
        f"/sandbox/chats/{ana.id}/photo",
        data={"person": str(ana.id), "caption": "look"},
        files={"file": ("a.png", bruise(), "image/png")},
    )
    await page.post(
        f"/sandbox/chats/{ana.id}/document",
        data={"person": str(ana.id)},
        files={"file": ("a.pdf", b"%PDF", "application/pdf")},
    )

    photo, document = sandbox.chat(ana).messages
    assert photo.file is not None
    assert (photo.text, photo.file.content == bruise()) == ("look", True)
    assert document.content["document"]["file_name"] == "a.pdf"


async def test_a_press_brings_back_what_the_bot_answered(
    page: httpx.AsyncClient, sandbox: Sandbox, bot: Bot
) -> None:
    """The toast, or that no answer came."""
    ana = sandbox.add_person("Ana")
    message = sandbox.world.add_message(
        sandbox.chat(ana),
        sandbox.bot,
        {"text": "?"},
        markup={"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]},
    )
    body = {"person": ana.id, "message": message.id, "data": "x"}
    waiting = asyncio.create_task(act(page, f"chats/{ana.id}/press", **body))
    [update] = await bot.get_updates(timeout=2)
    assert update.callback_query is not None
    await update.callback_query.answer("Noted", show_alert=True)

    assert await waiting == {"answered": True, "text": "Noted", "alert": True, "url": None}
    assert await act(page, f"chats/{ana.id}/press", **body, seconds=0.05) == {"answered": False}
    gone = await page.post(f"/sandbox/chats/{ana.id}/press", json={**body, "message": 999})
    assert gone.status_code == 409


async def test_a_group_from_making_to_migrating(page: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Members come and go, the bot is promoted and removed, the group gets a new number."""
    mei = sandbox.add_person("Mei", phone=False)
    group = (await act(page, "groups", title="Staff", members=[mei.id]))["id"]
    raj = (await act(page, f"groups/{group}/members", first_name="Raj"))["id"]
    await act(page, f"groups/{group}/bot", status="administrator")
    assert sandbox.chat(group).bot_status == "administrator"
    await act(page, f"groups/{group}/members/remove", person=raj)
    new = (await act(page, f"groups/{group}/migrate"))["id"]
    await act(page, f"groups/{new}/bot", status="kicked")

    assert sandbox.chat(new).members == {mei.id: "creator", raj: "left"}
    assert sandbox.chat(new).bot_status == "kicked"
    state = (await page.get("/sandbox/state")).json()
    assert [chat["id"] for chat in state["chats"] if chat["type"] == "supergroup"] == [new]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("people", {"first_name": " "}, 409),
        ("people", [1], 400),
        ("people/99/start", {}, 400),
        ("chats/99/text", {"person": 1, "text": "x"}, 400),
        ("groups", {"title": "x", "members": []}, 409),
    ],
)
async def test_nonsense_is_answered_with_a_reason(
    page: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    """The page can show why something did not work."""
    reply = await page.post(f"/sandbox/{path}", json=body)

    assert reply.status_code == status
    assert reply.json()["error"]
