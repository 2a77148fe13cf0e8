// A chat on the page: head, messages, composer. It redraws only what changed.

import { alertBox } from "./dialogs.js";
import { make, avatar } from "./dom.js";
import { makeComposer } from "./composer.js";
import { act } from "./link.js";
import { drawMessage } from "./message.js";
import { day } from "./time.js";

/**
 * Make a chat. *options*: {who(): person id, group: bool, label, title(): {id, name, line},
 * link(url): true if it was opened here, tools: node for the head}.
 */
export function makeChat(options) {
  let chat = null;
  let drawn = new Map();
  let first = true;
  const face = make("div");
  const name = make("h3", { dir: "auto" });
  const line = make("p");
  const list = make("div", { class: "messages", role: "log", "aria-live": "polite", "aria-label": `Messages, ${options.label}`, tabindex: 0 });
  const composer = makeComposer(options.who, () => chat, `Message, ${options.label}`);
  const keyboard = make("div", { class: "keyboard", hidden: true });
  const foot = make("div", {}, composer.node, keyboard);
  const node = make("div", { class: "chat" },
    make("div", { class: "chat-head" }, face, make("div", {}, name, line), options.tools ?? null), list, foot);
  // While the newest message is in sight it stays in sight, also when the box to write in grows.
  let newest = true;
  list.addEventListener("scroll", () => {
    newest = list.scrollHeight - list.scrollTop - list.clientHeight < 90;
  });
  new ResizeObserver(() => {
    if (newest) list.scrollTop = list.scrollHeight;
  }).observe(list);
  const view = { me: 0, group: options.group };
  let typing = 0;

  const on = {
    link: options.link,
    command: (text) => composer.say(text),
    reply: (message) => composer.reply(message),
    edit: (message) => composer.edit(message),
    jump,
    press,
  };

  async function press(message, button, place) {
    if (button.url !== undefined) {
      if (!options.link(button.url) && /^https?:/i.test(button.url)) window.open(button.url, "_blank", "noopener");
      return;
    }
    if (button.copy_text) {
      await navigator.clipboard?.writeText(button.copy_text.text);
      toast("Copied");
      return;
    }
    if (button.callback_data === undefined) {
      toast("This kind of button does nothing in the sandbox");
      return;
    }
    place.classList.add("busy");
    const answer = await act(`chats/${message.chat}/press`, { person: options.who(), message: message.id, data: button.callback_data });
    place.classList.remove("busy");
    if (!answer) return;
    if (!answer.answered) toast("The bot has not answered this tap");
    else if (answer.text && answer.alert) alertBox(options.title().name, answer.text);
    else if (answer.text) toast(answer.text);
    if (answer.url) options.link(answer.url);
  }

  function toast(text) {
    node.querySelector(".toast")?.remove();
    const shown = make("div", { class: "toast", role: "status", dir: "auto", text });
    node.append(shown);
    setTimeout(() => shown.remove(), Math.max(2200, text.length * 60));
  }

  function jump(id) {
    const target = list.querySelector(`[data-id="${id}"]`);
    target?.scrollIntoView({ block: "center", behavior: "smooth" });
    target?.classList.add("aimed");
    setTimeout(() => target?.classList.remove("aimed"), 1400);
  }

  function show(state, again = false) {
    chat = state;
    view.me = options.who();
    const { id, name: shown, line: below } = options.title();
    if (name.textContent !== shown) {
      name.textContent = shown;
      face.replaceChildren(avatar(id, shown));
    }
    showLine(below);
    showKeyboard();
    const added = showMessages(again);
    if (newest || first || added) list.scrollTop = list.scrollHeight;
    first = first && chat.messages.length === 0;
  }

  function showLine(below) {
    clearTimeout(typing);
    const busy = chat.typing_ms > 0;
    line.textContent = busy ? "typing…" : below;
    line.className = busy ? "typing" : "";
    if (busy) typing = setTimeout(() => {
      line.textContent = below;
      line.className = "";
    }, chat.typing_ms);
  }

  /** Put the messages in order, reusing what is drawn; tell whether one's own was added. */
  function showMessages(again) {
    const next = new Map();
    const nodes = [];
    let last = "";
    let own = false;
    for (const message of chat.messages) {
      const today = day(new Date(message.date));
      if (today !== last) nodes.push(kept(next, `day ${message.chat} ${message.id}`, today, () => make("div", { class: "day", text: today })));
      last = today;
      const mark = JSON.stringify(message) + view.me;
      const key = `${message.chat} ${message.id}`;
      const known = drawn.has(key);
      const drawing = kept(next, key, mark, () => drawMessage(message, view, on), again);
      if (!known && !first) {
        drawing.classList.add("fresh");
        own = own || message.sender?.id === view.me;
      }
      nodes.push(drawing);
    }
    drawn = next;
    if (!nodes.length) nodes.push(options.empty());
    nodes.forEach((wanted, place) => {
      if (list.childNodes[place] !== wanted) list.insertBefore(wanted, list.childNodes[place] ?? null);
    });
    while (list.childNodes.length > nodes.length) list.lastChild.remove();
    return own;
  }

  function kept(next, key, mark, draw, again = false) {
    const before = drawn.get(key);
    const entry = before && before.mark === mark && !again ? before : { mark, node: draw() };
    next.set(key, entry);
    return entry.node;
  }

  function showKeyboard() {
    const rows = chat.keyboard?.keyboard ?? [];
    const mark = JSON.stringify(rows);
    keyboard.hidden = !rows.length;
    if (keyboard.dataset.mark === mark) return;
    keyboard.dataset.mark = mark;
    keyboard.replaceChildren(...rows.map((row) => make("div", {}, ...row.map((button) => {
      const text = typeof button === "string" ? button : button.text;
      return make("button", { type: "button", text, dir: "auto", onclick: () => {
        const kind = button.request_contact ? "contact" : button.request_location ? "location" : null;
        if (kind) act(`chats/${chat.id}/sample`, { person: options.who(), kind });
        else composer.say(text);
      } });
    }))));
  }

  return { node, foot, show, toast, composer };
}
