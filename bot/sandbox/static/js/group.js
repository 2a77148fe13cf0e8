// A group of the clinic: one chat, several people who may type in it.

import { makeChat } from "./chat.js";
import { ask } from "./dialogs.js";
import { iconButton, make } from "./dom.js";
import { act } from "./link.js";
import { makeMenu } from "./menu.js";

/** Make a group; *open(url)* opens a link after asking on which phone. */
export function makeGroup(first, open) {
  let now = first;
  let typist = first.members[0]?.id ?? 0;
  let listed = "";
  const typists = make("div", { class: "typist", role: "radiogroup", "aria-label": "Who is typing" });
  const menu = makeMenu(() => [
    ["Add a member…", addMember],
    now.members.length > 1 ? ["The person typing leaves", leave] : null,
    now.bot === "administrator" ? ["Make the bot an ordinary member", () => setBot("member")] : null,
    now.bot === "member" ? ["Make the bot an administrator", () => setBot("administrator")] : null,
    ["left", "kicked"].includes(now.bot) ? ["Add the bot", () => setBot("member")] : ["Remove the bot", () => setBot("kicked")],
    now.type === "group" ? ["Turn it into a supergroup", () => act(`groups/${now.id}/migrate`)] : null,
  ]);
  const chat = makeChat({
    who: () => typist,
    group: true,
    label: first.title,
    title: () => ({ id: now.id, name: now.title, line: subtitle() }),
    link: open,
    tools: make("div", {}, iconButton("more", "More for this group", menu.toggle), menu.node),
    empty: () => make("div", { class: "empty", text: "Nothing was written here yet." }),
  });
  chat.foot.prepend(typists);
  const node = make("article", { class: "group", "aria-label": first.title }, chat.node);

  function subtitle() {
    const kind = now.type === "group" ? "group" : now.type;
    const bot = { administrator: "the bot is an administrator", member: "the bot reads commands and replies to it" }[now.bot] ?? "the bot is not in it";
    return `${kind} · ${now.members.length} people · ${bot}`;
  }

  async function addMember() {
    const answer = await ask("Add a member", [{ name: "first_name", label: "Name" }], "Add");
    if (answer) act(`groups/${now.id}/members`, answer);
  }

  function leave() {
    act(`groups/${now.id}/members/remove`, { person: typist });
  }

  function setBot(status) {
    act(`groups/${now.id}/bot`, { status });
  }

  function showTypists(again) {
    const mark = JSON.stringify(now.members);
    if (mark === listed && !again) return;
    listed = mark;
    if (!now.members.some((member) => member.id === typist)) typist = now.members[0]?.id ?? 0;
    const field = `typist ${first.id}`;
    typists.replaceChildren(make("span", { text: "typing:" }), ...now.members.map((member) => make("label", {},
      make("input", { type: "radio", name: field, value: member.id, checked: member.id === typist, onchange: () => {
        typist = member.id;
        chat.show(now, true);
      } }), make("b", { text: member.name, dir: "auto" }))));
  }

  function show(state, again) {
    now = state;
    showTypists(again);
    chat.show(state, again);
  }

  return { node, show };
}
