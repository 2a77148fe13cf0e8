// Text with entities into elements. Offsets count UTF-16 units, as JavaScript's strings do.

import { make } from "./dom.js";

const SAFE = /^(https?:|mailto:|tel:)/i;

/** Return a node for *text*; *on.link(url)* and *on.command(text)* tell what was clicked. */
export function rich(text, entities, on) {
  const node = make("div", { class: "words", dir: "auto" });
  const ordered = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  fill(node, text, 0, text.length, ordered, on);
  return node;
}

function fill(parent, text, start, end, entities, on) {
  let place = start;
  let index = 0;
  while (index < entities.length) {
    const entity = entities[index];
    const from = Math.max(entity.offset, place);
    const to = Math.min(entity.offset + entity.length, end);
    index += 1;
    if (to <= from) continue;
    parent.append(text.slice(place, from));
    const inside = [];
    while (index < entities.length && entities[index].offset < to) inside.push(entities[index++]);
    const child = element(entity, text.slice(from, to), on);
    fill(child, text, from, to, inside, on);
    parent.append(child);
    place = to;
  }
  parent.append(text.slice(place, end));
}

function element(entity, words, on) {
  switch (entity.type) {
    case "bold": return make("strong");
    case "italic": return make("em");
    case "underline": return make("u");
    case "strikethrough": return make("s");
    case "code": return make("code");
    case "pre": return make("pre");
    case "blockquote": return make("blockquote");
    case "expandable_blockquote":
      return make("blockquote", { class: "folded", onclick: (event) => event.currentTarget.classList.toggle("folded") });
    case "spoiler":
      return make("span", { class: "spoiler", title: "Click to show", onclick: (event) => event.currentTarget.classList.add("open") });
    case "text_link": return anchor(entity.url, on);
    case "url": return anchor(/^[a-z]+:\/\//i.test(words) ? words : `https://${words}`, on);
    case "email": return anchor(`mailto:${words}`, on);
    case "phone_number": return anchor(`tel:${words.replace(/[^+\d]/g, "")}`, on);
    case "bot_command":
      return make("button", { type: "button", class: "command", onclick: () => on.command(words) });
    default: return make("span");
  }
}

function anchor(url, on) {
  if (!SAFE.test(url)) return make("span", { title: url });
  return make("a", { href: url, title: url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => {
    if (on.link(url)) event.preventDefault();
  } });
}

/** Return the payload of a link that starts this bot, or null for any other link. */
export function startPayload(url, username) {
  let parsed;
  try {
    parsed = new URL(/^[a-z]+:/i.test(url) ? url : `https://${url}`);
  } catch {
    return null;
  }
  const telegram = ["t.me", "telegram.me", "telegram.dog"].includes(parsed.hostname);
  const name = telegram ? parsed.pathname.split("/")[1] : parsed.protocol === "tg:" ? parsed.searchParams.get("domain") : null;
  if (!name || name.toLowerCase() !== username.toLowerCase()) return null;
  return parsed.searchParams.get("start") ?? "";
}
