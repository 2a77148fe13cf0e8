// The clock in the bar.

import { note } from "./dialogs.js";
import { make } from "./dom.js";
import { act } from "./link.js";
import * as time from "./time.js";

const at = (id) => document.getElementById(id);
let due = null;

/** Set up the clock; *redraw* is called when another zone is chosen. */
export function startClock(first, redraw) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = new Set([first, here, "Asia/Singapore", "UTC", "Europe/London", "America/New_York", "Australia/Sydney"]);
  const select = at("clock-zone");
  for (const name of zones) select.append(make("option", { value: name, text: name.replaceAll("_", " ") }));
  select.value = first;
  time.setZone(first);
  select.addEventListener("change", () => {
    time.setZone(select.value);
    tick();
    redraw();
  });
  for (const button of document.querySelectorAll("[data-turn]")) {
    button.addEventListener("click", () => act("clock", { seconds: Number(button.dataset.turn) }));
  }
  at("clock-next").addEventListener("click", async () => {
    const result = await act("clock/next");
    if (result && result.next === null) note("Nothing is due: no check-in is planned yet.");
  });
  setInterval(tick, 1000);
}

/** Show the time and what is due next. */
export function showClock(state) {
  time.setNow(state.now, state.frozen);
  due = state.next ? new Date(state.next) : null;
  at("clock-next").hidden = !state.can_skip;
  at("clock-due").hidden = !state.can_skip;
  tick();
}

function tick() {
  const moment = time.now();
  at("clock-time").textContent = time.hourSecond(moment);
  at("clock-time").dateTime = moment.toISOString();
  at("clock-date").textContent = `${time.shortDay(moment)} ·`;
  const lines = due ? [`Next ${time.weekday(due)} ${time.hour(due)}`, time.until(due)] : ["Nothing due yet", ""];
  if (at("clock-due").textContent === lines.join("")) return;
  at("clock-due").replaceChildren(make("b", { text: lines[0] }), lines[1]);
}
