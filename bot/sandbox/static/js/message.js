// One message as a bubble.

import { viewer } from "./dialogs.js";
import { icon, iconButton, make, tone } from "./dom.js";
import { rich } from "./rich.js";
import { hour } from "./time.js";

/**
 * Draw a message. *view*: {me, group} says whose phone it is; *on* tells what was done:
 * link(url), command(text), press(message, button, node), reply(message), edit(message), jump(id).
 */
export function drawMessage(message, view, on) {
  if (message.service) return make("div", { class: "service", dir: "auto", text: message.service, "data-id": message.id });
  const own = message.sender !== null && message.sender.id === view.me;
  const bubble = make("div", { class: "bubble" });
  if (view.group && !own) bubble.append(from(message));
  if (message.forwarded !== undefined) bubble.append(make("div", { class: "forwarded", dir: "auto", text: `Forwarded from ${message.forwarded}` }));
  if (message.reply_to) bubble.append(quote(message.reply_to, on));
  bubble.append(...attachments(message));
  // Telegram shows a link's "/start CODE" without the code.
  const text = own ? message.text.replace(/^\/start \S+$/, "/start") : message.text;
  if (text) bubble.append(rich(text, message.entities, on));
  bubble.append(foot(message));
  const block = make("div", { class: "block" }, bubble);
  if (message.buttons.length) block.append(buttons(message, on));
  if (message.reactions.length) block.append(make("div", { class: "reaction", text: message.reactions.join(" ") }));
  block.append(tools(message, own, on));
  const node = make("div", { class: `message${own ? " own" : ""}`, "data-id": message.id, tabindex: -1 }, block);
  listen(bubble, message, own, on);
  return node;
}

function from(message) {
  const id = message.sender?.id ?? message.chat;
  return make("div", { class: `from ${tone(id)}`, dir: "auto", text: message.sender?.name ?? "Channel" });
}

function quote(source, on) {
  return make("button", { type: "button", class: "quote", onclick: () => on.jump(source.id) },
    make("b", { text: source.name, dir: "auto" }), make("span", { text: source.text, dir: "auto" }));
}

function foot(message) {
  const parts = [message.pinned ? "pinned" : null, message.edited ? "edited" : null].filter(Boolean);
  const moment = new Date(message.date);
  return make("div", { class: "foot" }, ...parts.map((text) => make("span", { text })),
    make("time", { datetime: message.date, text: hour(moment) }));
}

function attachments(message) {
  const nodes = [];
  if (message.photo) {
    const { url, width, height } = message.photo;
    nodes.push(make("button", { type: "button", class: "picture", "aria-label": "Enlarge the picture", onclick: () => viewer(url, message.text) },
      make("img", { src: url, width, height, alt: "Picture" })));
  }
  if (message.document) nodes.push(attachment("file", message.document.file_name ?? "Document", size(message.document.file_size), message.document.url));
  if (message.voice) nodes.push(attachment("voice", "Voice message", `0:0${message.voice.duration ?? 0}`));
  if (message.video) nodes.push(attachment("play", "Video", `0:0${message.video.duration ?? 0}`));
  if (message.location) nodes.push(attachment("place", "Location", `${message.location.latitude}, ${message.location.longitude}`));
  if (message.contact) nodes.push(attachment("person", message.contact.first_name, message.contact.phone_number));
  if (message.poll) nodes.push(attachment("grid", message.poll.question, message.poll.options.map((option) => option.text).join(" · ")));
  if (message.sticker !== undefined) nodes.push(make("div", { class: "sticker", text: message.sticker }));
  return nodes;
}

function attachment(name, title, detail, url) {
  const tag = url ? "a" : "div";
  return make(tag, { class: "attachment", href: url, target: url ? "_blank" : null, rel: url ? "noopener" : null },
    make("span", { class: "disc" }, icon(name)),
    make("span", {}, make("b", { text: title, dir: "auto" }), make("span", { text: detail ?? "", dir: "auto" })));
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1000000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1000000).toFixed(1)} MB`;
}

function buttons(message, on) {
  return make("div", { class: "buttons", role: "group", "aria-label": "Buttons" }, ...message.buttons.map((row) =>
    make("div", {}, ...row.map((button) => {
      const kind = ["danger", "success", "primary"].includes(button.style) ? button.style : "";
      const link = button.url !== undefined ? " link" : "";
      return make("button", { type: "button", class: kind + link, text: button.text, dir: "auto", title: button.url ?? null,
        onclick: (event) => on.press(message, button, event.currentTarget) });
    }))));
}

function tools(message, own, on) {
  const box = make("div", { class: "tools" }, iconButton("reply", "Reply", () => on.reply(message), 16));
  if (own && message.text) box.append(iconButton("pencil", "Edit", () => on.edit(message), 16));
  return box;
}

/** A click on a bubble replies to it, a long press on one's own edits it. */
function listen(bubble, message, own, on) {
  let timer = 0;
  let held = false;
  bubble.addEventListener("pointerdown", () => {
    held = false;
    timer = setTimeout(() => {
      held = own && Boolean(message.text);
      if (held) on.edit(message);
    }, 550);
  });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) bubble.addEventListener(end, () => clearTimeout(timer));
  bubble.addEventListener("click", (event) => {
    const inner = event.target.closest("a, button, .spoiler, .folded");
    if (!inner && !held && String(getSelection()) === "") on.reply(message);
  });
}
