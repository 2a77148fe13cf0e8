// A patient's phone.

import { makeChat } from "./chat.js";
import { iconButton, make } from "./dom.js";
import { act } from "./link.js";
import { makeMenu } from "./menu.js";

/** Make a phone for a person; *open(url, person)* opens a link on this phone. */
export function makePhone(person, open) {
  let now = person;
  let bot = { id: 0, name: "", description: "" };
  const tag = make("span", { class: "tag" });
  const title = make("h2", { dir: "auto" });
  const begin = make("div", { class: "start" }, make("button", { type: "button", class: "primary", onclick: resume }));
  const chat = makeChat({
    who: () => now.id,
    group: false,
    label: `${person.name}’s phone`,
    title: () => ({ id: bot.id, name: bot.name, line: "bot" }),
    link: (url) => open(url, now),
    empty: () => make("div", { class: "empty", dir: "auto" }, make("b", { text: bot.name }),
      bot.description || "Press Start to talk to the bot, or open a link from the clinic here."),
  });
  chat.node.append(begin);
  const menu = makeMenu(() => [
    now.blocked ? ["Unblock the bot", () => act(`people/${now.id}/unblock`)] : ["Block the bot", () => act(`people/${now.id}/block`)],
    ["Send /start again", () => act(`people/${now.id}/start`)],
    now.deactivated ? null : ["Delete this Telegram account", () => act(`people/${now.id}/deactivate`)],
  ]);
  const owner = make("div", { class: "owner" }, title, tag, make("span", { class: "grow" }),
    iconButton("more", `More for ${person.name}`, menu.toggle), menu.node);
  const node = make("article", { class: "phone", "aria-label": `${person.name}’s phone` }, owner, make("div", { class: "device" }, chat.node));

  function resume() {
    if (now.blocked) act(`people/${now.id}/unblock`);
    else act(`people/${now.id}/start`);
  }

  function show(state, mine, own, again) {
    now = mine;
    bot = { ...state.bot, description: state.description };
    title.textContent = mine.name;
    const shut = mine.deactivated ? "account deleted" : mine.blocked ? "bot blocked" : "";
    tag.textContent = shut || mine.language_code || "";
    tag.className = shut ? "tag bad" : "tag";
    tag.hidden = !tag.textContent;
    const open = mine.started && !mine.blocked && !mine.deactivated;
    chat.foot.hidden = !open;
    begin.hidden = open || mine.deactivated;
    begin.firstChild.textContent = mine.blocked ? "Unblock" : "Start";
    chat.show(own, again);
  }

  return { node, show };
}
