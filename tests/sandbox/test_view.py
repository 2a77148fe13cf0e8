"""What the page is given to show."""

from telegram import Bot, BotCommandScopeAllPrivateChats

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.view import message_json, state_json


async def test_the_state_shows_people_chats_and_menus(bot: Bot, sandbox: Sandbox) -> None:
    """Phones see the commands of private chats, the group those of all."""
    ana, mei = sandbox.add_person("Ana"), sandbox.add_person("Mei", phone=False)
    sandbox.add_group("Staff", members=[mei])
    await bot.set_my_commands([("treated", "register")])
    await bot.set_my_commands([("stop", "leave")], scope=BotCommandScopeAllPrivateChats())
    await bot.set_my_description("Ask me")

    state = state_json(sandbox)

    assert [(p["first_name"], p["phone"]) for p in state["people"]] == [("Ana", True), ("Mei", False)]
    assert state["description"] == "Ask me"
    menus = {chat["title"]: [c["command"] for c in chat["commands"]] for chat in state["chats"]}
    assert menus == {"Ana": ["stop"], "Mei": ["stop"], "Staff": ["treated"]}
    assert ana.id in [chat["id"] for chat in state["chats"]]


def test_each_kind_of_message_has_its_part(sandbox: Sandbox) -> None:
    """Pictures by address, samples by name, quotes by their first words."""
    ana = sandbox.add_person("Ana")
    photo = sandbox.sends_photo(ana)
    reply = sandbox.says(ana, "that one", reply_to=photo, forwarded_from="Cat")
    shown = {
        kind: message_json(sandbox.sends_sample(ana, kind))
        for kind in ("sticker", "voice", "location", "poll")
    }

    assert message_json(photo)["photo"]["url"].startswith("/sandbox/files/photos/")
    assert message_json(reply)["reply_to"] == {"id": photo.id, "name": "Ana", "text": "Photo"}
    assert message_json(reply)["forwarded"] == "Cat"
    assert shown["sticker"]["sticker"] == "👍"
    assert all(kind in body for kind, body in shown.items())


def test_notices_are_lines(sandbox: Sandbox) -> None:
    """Who came, who went, where the group moved; the old history stays above."""
    mei, raj = sandbox.add_person("Mei"), sandbox.add_person("Raj")
    staff = sandbox.add_group("Staff", members=[mei])
    sandbox.add_member(staff, raj, by=mei)
    sandbox.remove_member(staff, raj)
    sandbox.add_member(staff, raj)
    sandbox.remove_member(staff, raj, by=mei)
    sandbox.migrate(staff)

    [shown] = [chat for chat in state_json(sandbox)["chats"] if chat["title"] == "Staff"]

    assert [m["service"] for m in shown["messages"]] == [
        "Mei added Aftercare",
        "Mei added Raj",
        "Raj left",
        "Raj joined",
        "Mei removed Raj",
        "The group became a supergroup; its number changed",
        "Here the supergroup begins",
    ]
