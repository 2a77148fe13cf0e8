// The sandbox's time, in the zone chosen on the page.

let zone = "UTC";
let offset = 0;
let still = null;

/** Take the moment the sandbox told; a frozen clock stays where it is. */
export function setNow(iso, frozen) {
  const told = new Date(iso).getTime();
  offset = told - Date.now();
  still = frozen ? told : null;
}

export function setZone(name) {
  zone = name;
}

/** Return the sandbox's present moment. */
export function now() {
  return new Date(still ?? Date.now() + offset);
}

const formats = new Map();

function format(moment, kind, options) {
  const key = `${kind} ${zone}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }));
  return formats.get(key).format(moment);
}

export const hour = (moment) => format(moment, "hour", { hour: "2-digit", minute: "2-digit" });
export const hourSecond = (moment) => format(moment, "second", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const day = (moment) => format(moment, "day", { weekday: "long", day: "numeric", month: "long" });
export const shortDay = (moment) => format(moment, "short", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
export const weekday = (moment) => format(moment, "weekday", { weekday: "short" });

/** Say how long it is until a moment: "in 23 h 4 min". */
export function until(moment) {
  const minutes = Math.round((moment - now()) / 60000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `in ${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `in ${hours} h ${minutes % 60} min`;
  return `in ${Math.floor(hours / 24)} d ${hours % 24} h`;
}
