// What all parts of the page are built with. Everything shown goes through text nodes and attributes, never through HTML.

/** Makes an element; children may be nested lists, and what is absent is left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  made.append(...children.flat(9).filter((child) => child !== undefined && child !== null && child !== ""));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const tones = {
  Healthy: "good",
  Successful: "good",
  Running: "good",
  Completed: "good",
  Degraded: "bad",
  Failed: "bad",
  Error: "bad",
  ReplicaFailure: "bad",
  CrashLoopBackOff: "bad",
  ImagePullBackOff: "bad",
  ErrImagePull: "bad",
  InvalidImageName: "bad",
  Paused: "wait",
  Inconclusive: "wait",
  Progressing: "busy",
  Pending: "busy",
  Terminating: "busy",
  ContainerCreating: "busy",
};

/** Few fonts have the sign that terminals show for a pause. */
const shownIcon = (icon = "") => (icon === "॥" ? "‖" : icon);

/** A state with its icon, coloured by what it means. `running` is what a run is while it runs. */
export function state(icon, word, running = false) {
  const tone = running && word === "Running" ? "busy" : (tones[word] ?? "quiet");
  return element(
    "span",
    { class: `state ${tone}` },
    element("span", { "aria-hidden": true }, `${shownIcon(icon)} `),
    word,
  );
}

/** How long ago; kept up to date by `keepAges`. */
export function age(time) {
  if (!time) return element("span", {}, "–");
  return element("time", { datetime: time, title: new Date(time).toLocaleString() }, ago(time));
}

/** Units as kubectl has them. */
function ago(time) {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

export function keepAges() {
  for (const shown of document.querySelectorAll("time[datetime]")) {
    const text = ago(shown.dateTime);
    if (shown.textContent !== text) shown.textContent = text;
  }
}

/** Set weight as the bar's length, actual weight as its filling. */
export function weightBar(set, actual) {
  const of = (value) => Math.max(0, Math.min(100, Number(value) || 0));
  return element(
    "span",
    { class: "weight", title: `set to ${set ?? 0} %, in fact ${actual ?? 0} %` },
    svg(
      "svg",
      { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "rail", width: 100, height: 8 }),
      svg("rect", { class: "wanted", width: of(set), height: 8 }),
      svg("rect", { class: "actual", width: of(actual), height: 8 }),
    ),
    element(
      "span",
      {},
      `${set ?? 0} %`,
      Number(actual ?? 0) === Number(set ?? 0) ? "" : ` (${actual ?? 0} %)`,
    ),
  );
}

/** Images that run, with what each is at the moment. */
export function imagesOf(info) {
  const images = new Map();
  for (const set of info.replicaSets ?? []) {
    if (!set.replicas) continue;
    for (const image of set.images ?? [])
      images.set(image, new Set([...(images.get(image) ?? []), ...rolesOf(set)]));
  }
  return [...images].sort(([a], [b]) => (a < b ? -1 : 1));
}

export const rolesOf = (set) =>
  ["stable", "canary", "active", "preview", "ping", "pong"].filter((role) => set[role]);

/** A blank before it, so that several stand apart. */
export const role = (name) => [" ", element("span", { class: `role ${name}` }, name)];
