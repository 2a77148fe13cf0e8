// Building the page: elements, icons, small helpers. Nothing here takes HTML from anybody.

/** Make an element: make("p", {class: "x", text: "…", onclick}, child, …); null children are skipped. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const PATHS = {
  send: "M4 12 20 4l-5 16-4-6-7-2Zm7 2 4-5",
  clip: "m20 11-8.500 8.500a5 5 0 0 1-7-7L13 4a3.400 3.400 0 0 1 4.800 4.800l-8.300 8.200a1.700 1.700 0 0 1-2.400-2.400l7.600-7.600",
  slash: "M15 5 9 19M4 4h16v16H4z",
  reply: "m9 6-5 5 5 5M4 11h9a7 7 0 0 1 7 7",
  pencil: "m5 15-1 5 5-1L19 9l-4-4L5 15Z",
  close: "m6 6 12 12M18 6 6 18",
  more: "M12 5.500v.010M12 12v.010M12 18.500v.010",
  file: "M6 3h8l5 5v13H6V3Zm8 0v5h5",
  voice: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM6 11a6 6 0 0 0 12 0M12 17v4",
  play: "M8 5v14l11-7L8 5Z",
  place: "M12 21s7-6.500 7-11.500A7 7 0 0 0 5 9.500C5 14.500 12 21 12 21Zm0-9.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.500 8a7.500 7.500 0 0 1 15 0",
  grid: "M4 7h16M4 12h16M4 17h16",
};

/** Draw an icon. */
export function icon(name, size = 20) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const attributes = {
    viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor",
    "stroke-width": name === "more" ? 3 : 1.9, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  };
  for (const [key, value] of Object.entries(attributes)) drawing.setAttribute(key, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}

/** Make a round button with an icon and a name for those who do not see it. */
export function iconButton(name, label, onclick, size) {
  return make("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick }, icon(name, size));
}

/** Return a steady colour class for an id. */
export function tone(id) {
  return `tone-${Math.abs(id) % 7}`;
}

/** Make the round picture with somebody's first letter. */
export function avatar(id, name) {
  const letter = [...name.trim()][0] ?? "?";
  return make("div", { class: `avatar ${tone(id)}`, "aria-hidden": "true", text: letter.toUpperCase() });
}
