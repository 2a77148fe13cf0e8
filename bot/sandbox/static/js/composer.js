// The box to write in, with its menus: attachments, commands, reply and edit.

import { icon, iconButton, make } from "./dom.js";
import { act } from "./link.js";

const SAMPLES = [
  ["photo", "Sample photo", "a bruise on a forearm"],
  ["voice", "Voice message", "a sample, 4 seconds"],
  ["sticker", "Sticker", "👍"],
  ["video", "Video", "a sample"],
  ["location", "Location", ""],
  ["contact", "Contact", ""],
];

/** Make a composer for a chat. *who()* is the person writing, *where()* the chat's newest state. */
export function makeComposer(who, where, label) {
  let aim = null;
  const box = make("textarea", { rows: 1, placeholder: "Message", "aria-label": label, dir: "auto", maxlength: 4096 });
  const bar = make("div", { class: "replying", hidden: true });
  const picker = make("input", { type: "file", class: "hidden-label", tabindex: -1, "aria-label": "File to send" });
  const menu = make("div", { class: "menu", hidden: true });
  const send = iconButton("send", "Send", submit, 18);
  send.classList.add("send");
  const form = make("div", { class: "composer" },
    iconButton("slash", "Commands", () => toggle(commands)), iconButton("clip", "Attach", () => toggle(attachments)), box, send, picker);
  const node = make("div", {}, menu, bar, form);

  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      hide();
      aimAt(null);
    }
  });
  box.addEventListener("input", () => {
    grow();
    if (box.value === "/") show(commands);
    else hide();
  });
  picker.addEventListener("change", upload);
  document.addEventListener("pointerdown", (event) => {
    if (!node.contains(event.target)) hide();
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });

  async function submit() {
    const text = box.value.trim();
    if (!text) return;
    const aimed = aim;
    box.value = "";
    grow();
    aimAt(null);
    const done = aimed?.editing
      ? await act(`chats/${where().id}/edit`, { person: who(), message: aimed.message.id, text })
      : await say(text, aimed?.message.id);
    if (!done && !box.value) {
      box.value = text;
      grow();
    }
  }

  function say(text, replyTo) {
    return act(`chats/${where().id}/text`, { person: who(), text, reply_to: replyTo ?? null });
  }

  function upload() {
    const [file] = picker.files;
    if (!file) return;
    const picture = ["image/png", "image/jpeg"].includes(file.type);
    const data = new FormData();
    data.set("person", who());
    data.set("file", file);
    data.set("caption", box.value.trim());
    act(`chats/${where().id}/${picture ? "photo" : "document"}`, data);
    box.value = picker.value = "";
    grow();
  }

  function attachments() {
    return [
      item("File…", "from this computer", () => picker.click()),
      ...SAMPLES.map(([kind, name, detail]) => item(name, detail, () => {
        const path = kind === "photo" ? "photo" : "sample";
        const caption = kind === "photo" ? box.value.trim() : "";
        if (caption) box.value = "";
        act(`chats/${where().id}/${path}`, { person: who(), kind, caption });
      })),
    ];
  }

  function commands() {
    const found = where().commands;
    if (!found.length) return [make("p", { text: "The bot has set no commands here." })];
    return found.map(({ command, description }) => item(`/${command}`, description, () => {
      box.value = "";
      say(`/${command}`);
    }));
  }

  function item(name, detail, onclick) {
    return make("button", { type: "button", onclick: () => {
      hide();
      onclick();
    } }, make("b", { text: name }), make("span", { text: detail, dir: "auto" }));
  }

  let shown = null;
  function show(items) {
    shown = items;
    menu.replaceChildren(...items());
    menu.hidden = false;
  }
  function hide() {
    shown = null;
    menu.hidden = true;
  }
  function toggle(items) {
    if (shown === items) hide();
    else {
      show(items);
      menu.querySelector("button")?.focus();
    }
  }

  function grow() {
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
    box.style.overflowY = box.scrollHeight > 130 ? "auto" : "hidden";
  }

  function aimAt(message, editing = false) {
    if (aim?.editing && !editing) {
      box.value = "";
      grow();
    }
    aim = message ? { message, editing } : null;
    bar.hidden = !aim;
    if (!aim) return;
    bar.replaceChildren(icon(editing ? "pencil" : "reply", 18), make("div", {},
      make("b", { text: editing ? "Edit message" : `Reply to ${message.sender?.name ?? "the channel"}`, dir: "auto" }),
      make("span", { text: message.text || "Attachment", dir: "auto" })),
    iconButton("close", "Cancel", () => aimAt(null), 16));
    if (editing) box.value = message.text;
    grow();
    box.focus();
  }

  return { node, say, reply: (message) => aimAt(message), edit: (message) => aimAt(message, true) };
}
