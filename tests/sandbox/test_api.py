"""The door: tokens, methods, ways to send parameters."""

import asyncio

import httpx
import pytest
from telegram import Bot
from telegram.error import EndPointNotFound, InvalidToken

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.server import Address
from tests.sandbox.conftest import TOKEN


async def test_get_me_tells_the_bot_under_the_number_of_its_token(bot: Bot) -> None:
    """PTB reads the bot's own account, whose id is the token's first part."""
    me = await bot.get_me()

    assert (me.id, me.is_bot, me.username) == (123456, True, "aftercare_sandbox_bot")
    assert me.can_read_all_group_messages is False


async def test_a_token_of_the_wrong_shape_is_unauthorized(address: Address) -> None:
    """A token without a colon gets Telegram's 401, which PTB knows as InvalidToken."""
    with pytest.raises(InvalidToken):
        async with Bot("nonsense", base_url=address.api):
            pass
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{address.api}nonsense/getMe")
        file = await client.get(f"{address.files}nonsense/photos/x.png")

    assert reply.status_code == file.status_code == 401
    assert reply.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_an_unknown_method_is_not_found(bot: Bot) -> None:
    """A method that the sandbox lacks is answered with 404."""
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("sendWidget")


@pytest.mark.parametrize("way", ["query", "form", "multipart", "json"])
async def test_parameters_come_in_any_of_telegrams_four_ways(
    sandbox: Sandbox, address: Address, way: str
) -> None:
    """Query, form, multipart and JSON mean the same, and method names may be in any case."""
    ana = sandbox.add_person("Ana")
    sandbox.opens_link(ana)
    keyboard = '{"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}'
    params = {"chat_id": str(ana.id), "text": "hello", "reply_markup": keyboard}
    url = f"{address.api}{TOKEN}/SENDmessage"
    async with httpx.AsyncClient() as client:
        if way == "query":
            reply = await client.get(url, params=params)
        elif way == "form":
            reply = await client.post(url, data=params)
        elif way == "multipart":
            reply = await client.post(url, files={name: (None, value) for name, value in params.items()})
        else:
            reply = await client.post(url, json=params)

    assert reply.json()["ok"] is True
    assert sandbox.chat(ana).last.buttons == ["Yes"]


async def test_json_that_is_none_is_refused(address: Address) -> None:
    """A broken body is the caller's fault, not the server's."""
    async with httpx.AsyncClient() as client:
        reply = await client.post(
            f"{address.api}{TOKEN}/sendMessage", content=b"{", headers={"Content-Type": "application/json"}
        )

    assert reply.status_code == 400
    assert "can't parse" in reply.json()["description"]


@pytest.mark.parametrize("dies", [True, False])
async def test_a_poll_that_another_ends_is_told_so_if_its_caller_is_there(
    address: Address, sandbox: Sandbox, dies: bool
) -> None:
    """What is said to a dead process's connection is written down as not told."""
    body = b'{"timeout": 20}'
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = f"POST /bot{TOKEN}/getUpdates HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await asyncio.sleep(0.2)
    if dies:
        writer.transport.abort()
        await asyncio.sleep(0.1)
    async with httpx.AsyncClient() as client:
        await client.post(f"{address.api}{TOKEN}/getUpdates", json={"timeout": 0})
    if not dies:
        assert b"409" in await reader.readline()
        writer.close()

    (refused,) = [entry for entry in sandbox.calls("getUpdates") if entry.outcome == 409]
    assert refused.told is not dies
