// The line to the sandbox: state, live events, and things to do.

import { note } from "./dialogs.js";

/** Do something in the sandbox; what is refused is shown, and undefined returned. */
export async function act(path, body = {}) {
  const form = body instanceof FormData;
  try {
    const reply = await fetch(`/sandbox/${path}`, {
      method: "POST",
      headers: form ? {} : { "Content-Type": "application/json" },
      body: form ? body : JSON.stringify(body),
    });
    const result = await reply.json();
    if (reply.ok) return result;
    note(result.error ?? "That did not work", true);
  } catch {
    note("The sandbox does not answer. Is it still running?", true);
  }
  return undefined;
}

/** Follow the sandbox: call *show* with its state, at once and after each change. */
export function follow(show, tellLine) {
  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        const reply = await fetch("/sandbox/state");
        show(await reply.json());
      } catch (error) {
        console.error(error);
      }
    } while (again);
    busy = false;
  };
  const events = new EventSource("/sandbox/events");
  events.onmessage = refresh;
  events.onopen = () => tellLine("");
  events.onerror = () => tellLine("Not connected; trying again…");
  return refresh;
}
