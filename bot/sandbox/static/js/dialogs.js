// What lies over the page: notes, alerts, questions, large pictures.

import { avatar, make } from "./dom.js";

/** Show a short note at the foot of the page. */
export function note(text, bad = false) {
  const node = make("div", { class: bad ? "bad" : "", text });
  document.getElementById("notes").append(node);
  setTimeout(() => node.remove(), bad ? 6000 : 3500);
}

function open(dialog) {
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Show an answer that wants to be read before one goes on. */
export function alertBox(title, text) {
  const dialog = make("dialog", { "aria-label": title }, make("h2", { text: title }), make("p", { text, dir: "auto" }));
  dialog.append(make("div", { class: "ends" },
    make("button", { type: "button", class: "primary", text: "OK", autofocus: true, onclick: () => dialog.close() })));
  open(dialog);
}

/** Show a picture large. */
export function viewer(url, caption) {
  const dialog = make("dialog", { class: "viewer", "aria-label": "Picture" },
    make("img", { src: url, alt: caption || "Picture" }), caption ? make("p", { text: caption, dir: "auto" }) : null,
    make("p", {}, make("a", { href: url, target: "_blank", text: "Open in a new tab" })));
  open(dialog);
}

/** Ask on which phone to open a link; resolves to a person, "new", or null. */
export function choosePhone(people) {
  return new Promise((resolve) => {
    let chosen = null;
    const pick = (value) => () => {
      chosen = value;
      dialog.close();
    };
    const dialog = make("dialog", { "aria-label": "Open on which phone?" },
      make("h2", { text: "Open on which phone?" }),
      make("p", { text: "On paper this would be the QR code that the patient scans." }),
      make("div", { class: "choices" },
        ...people.map((person) => make("button", { type: "button", onclick: pick(person) },
          avatar(person.id, person.name), make("span", {}, make("bdi", { text: person.name }), "’s phone"))),
        make("button", { type: "button", onclick: pick("new") }, make("span", { text: "+ a new patient’s phone" }))));
    dialog.addEventListener("close", () => resolve(chosen));
    open(dialog);
  });
}

/** Ask for some fields; resolves to {name: value} or null. A field is {name, label, value?, options?, kind?}. */
export function ask(title, fields, ok) {
  return new Promise((resolve) => {
    let result = null;
    const form = make("form", { method: "dialog", onsubmit: () => {
      result = Object.fromEntries(new FormData(form));
    } });
    for (const field of fields) {
      const control = field.options
        ? make("select", { name: field.name }, ...field.options.map(([value, text]) => make("option", { value, text })))
        : make("input", { name: field.name, value: field.value ?? "", required: field.required ?? true, maxlength: 64, autocomplete: "off" });
      form.append(make("label", {}, field.label, control));
    }
    const dialog = make("dialog", { "aria-label": title }, make("h2", { text: title }), form);
    form.append(make("div", { class: "ends" },
      make("button", { type: "button", class: "quiet", text: "Cancel", onclick: () => dialog.close() }),
      make("button", { class: "primary", text: ok })));
    dialog.addEventListener("close", () => resolve(result));
    open(dialog);
  });
}
