// A small menu that drops from a button.

import { make } from "./dom.js";

/** Make a menu; *items()* returns [label, action] pairs, or null to leave one out. */
export function makeMenu(items) {
  const node = make("div", { class: "menu top", hidden: true });
  let opener = null;
  const hide = () => {
    node.hidden = true;
  };
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hide();
    opener?.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!node.contains(event.target) && !opener?.contains(event.target)) hide();
  });

  function toggle(event) {
    opener = event.currentTarget;
    if (!node.hidden) {
      hide();
      return;
    }
    node.replaceChildren(...items().filter(Boolean).map(([label, action]) =>
      make("button", { type: "button", text: label, onclick: () => {
        hide();
        action();
      } })));
    node.hidden = false;
    node.querySelector("button")?.focus();
  }

  return { node, toggle };
}
