// The page: phones for the patients, the clinic's groups, the clock.

import { showClock, startClock } from "./clock.js";
import { ask, choosePhone } from "./dialogs.js";
import { make } from "./dom.js";
import { makeGroup } from "./group.js";
import { act, follow } from "./link.js";
import { makePhone } from "./phone.js";
import { startPayload } from "./rich.js";

const at = (id) => document.getElementById(id);
const phones = new Map();
const groups = new Map();
let state = null;

function show(next, again = false) {
  const first = state === null;
  state = next;
  if (first) {
    startClock(state.zone, () => show(state, true));
    startIntro();
  }
  document.title = `${state.bot.name} sandbox`;
  at("brand-name").textContent = state.bot.name;
  showClock(state);
  const chats = new Map(state.chats.map((chat) => [chat.id, chat]));
  for (const person of state.people.filter((each) => each.phone)) {
    if (!phones.has(person.id)) {
      phones.set(person.id, makePhone(person, openOn));
      at("phones").append(phones.get(person.id).node);
      if (!first) phones.get(person.id).node.scrollIntoView({ behavior: "smooth", inline: "end" });
    }
    phones.get(person.id).show(state, person, chats.get(person.id), again);
  }
  showGroups(again);
  if (first) requestAnimationFrame(() => document.body.classList.add("ready"));
}

function showGroups(again) {
  const shown = state.chats.filter((chat) => chat.type !== "private");
  for (const [id, group] of groups) {
    if (shown.some((chat) => chat.id === id)) continue;
    group.node.remove();
    groups.delete(id);
  }
  for (const chat of shown) {
    if (!groups.has(chat.id)) {
      groups.set(chat.id, makeGroup(chat, openFromGroup));
      at("groups").append(groups.get(chat.id).node);
    }
    groups.get(chat.id).show(chat, again);
  }
}

/** Open a link on somebody's phone; return false if it is not for this bot. */
function openOn(url, person) {
  const payload = startPayload(url, state.bot.username);
  if (payload === null) return false;
  act(`people/${person.id}/start`, { payload });
  return true;
}

function openFromGroup(url) {
  const payload = startPayload(url, state.bot.username);
  if (payload === null) return false;
  const people = state.people.filter((person) => person.phone && !person.deactivated);
  choosePhone(people).then(async (chosen) => {
    const person = chosen === "new" ? await addPerson() : chosen;
    if (!person) return;
    await act(`people/${person.id}/start`, { payload });
    phones.get(person.id)?.node.scrollIntoView({ behavior: "smooth", inline: "center" });
  });
  return true;
}

async function addPerson() {
  const answer = await ask("Add a patient", [
    { name: "first_name", label: "Name" },
    { name: "language_code", label: "Language of the phone", options: [["en", "English"], ["zh-hans", "中文"], ["ms", "Bahasa Melayu"], ["ta", "தமிழ்"], ["ar", "العربية"]] },
  ], "Add");
  return answer ? act("people", answer) : null;
}

function startIntro() {
  const key = "sandbox intro hidden";
  const remembered = () => {
    try {
      return localStorage.getItem(key) === "yes";
    } catch {
      return false;
    }
  };
  const set = (hidden) => {
    at("intro").hidden = hidden || !state.intro.length;
    at("intro-show").hidden = !hidden || !state.intro.length;
    try {
      localStorage.setItem(key, hidden ? "yes" : "no");
    } catch {
      // Without storage the card is simply there again next time.
    }
  };
  at("intro-steps").replaceChildren(...state.intro.map((text) => make("li", { dir: "auto" }, ...text.split("`").map((part, place) => (place % 2 ? make("code", { text: part }) : part)))));
  at("intro-hide").addEventListener("click", () => set(true));
  at("intro-show").addEventListener("click", () => set(false));
  set(remembered());
}

at("add-person").addEventListener("click", addPerson);
follow(show, (text) => {
  at("line").textContent = text;
});
