// The page: which of its two views is shown, the stream behind it, and the list of all Rollouts.

import { age, element, imagesOf, keepAges, role, state, weightBar } from "./dom.js";
import { rolloutPage } from "./rollout.js";

const main = document.getElementById("main");
const filter = document.getElementById("filter");
const connection = document.getElementById("connection");

/** What is followed now; closed when another view is shown. */
let source;
let retry;

function follow(path, { opened, event, synced, gone }) {
  source?.close();
  clearTimeout(retry);
  source = new EventSource(`api/v1/${path}`);
  // After a gap all is told again.
  source.onopen = () => opened?.();
  source.addEventListener("synced", () => {
    connection.textContent = "";
    synced?.();
  });
  source.onmessage = ({ data }) => {
    const { result, error } = JSON.parse(data);
    if (error === undefined) return event(result);
    source.close();
    if (error.http_code === 404) return gone?.(error.message);
    lost(`The cluster does not answer (${error.message}).`);
    retry = setTimeout(() => follow(path, { opened, event, synced, gone }), 3000);
  };
  source.onerror = () => lost("The dashboard does not answer.");
}

const lost = (why) => {
  connection.textContent = `${why} What is shown is of before. Trying again…`;
};

function show() {
  const [, namespace, name] = location.hash.split("/").map(decodeURIComponent);
  const one = Boolean(namespace && name);
  filter.hidden = one;
  document.title = one ? `${name} – Rollouts` : "Rollouts";
  main.replaceChildren(element("p", { class: "dim" }, "Loading…"));
  if (!one) return showList();
  const page = rolloutPage(main, namespace, name);
  const path = `rollouts/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/info/watch`;
  follow(path, {
    event: page.update,
    gone: (message) =>
      main.replaceChildren(
        element("p", {}, element("a", { href: "#/" }, "← All Rollouts")),
        element("p", { class: "problem" }, message),
      ),
  });
}

function showList() {
  let rollouts = new Map();
  /** What is told of since the stream was opened; what went away before that is not in it. */
  let told = rollouts;
  let isDrawing = false;
  const draw = () => {
    isDrawing = false;
    drawList([...rollouts.values()]);
  };
  const drawSoon = () => {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(draw);
  };
  filter.oninput = drawSoon;
  follow("rollouts/*/info/watch", {
    opened() {
      told = new Map();
    },
    event({ type, rolloutInfo }) {
      const { namespace, name } = rolloutInfo.objectMeta;
      if (type === "Deleted") told.delete(`${namespace}/${name}`);
      else told.set(`${namespace}/${name}`, rolloutInfo);
      if (told === rollouts) drawSoon();
    },
    synced() {
      rollouts = told;
      drawSoon();
    },
  });
}

function drawList(all) {
  const namespaces = [...new Set(all.map(({ objectMeta }) => objectMeta.namespace))].sort();
  offerNamespaces(namespaces);
  const wanted = all.filter(
    ({ objectMeta, status }) =>
      (filter.namespace.value === "" || objectMeta.namespace === filter.namespace.value) &&
      (filter.status.value === "" || status === filter.status.value) &&
      objectMeta.name.includes(filter.name.value.trim()),
  );
  if (all.length === 0)
    return main.replaceChildren(
      element("p", { class: "dim" }, "There are no Rollouts yet. They show up here by themselves."),
    );
  if (wanted.length === 0)
    return main.replaceChildren(element("p", { class: "dim" }, "No Rollout is like that."));
  main.replaceChildren(
    ...namespaces.flatMap((namespace) => {
      const rows = wanted
        .filter(({ objectMeta }) => objectMeta.namespace === namespace)
        .sort((a, b) => (a.objectMeta.name < b.objectMeta.name ? -1 : 1));
      return rows.length === 0 ? [] : [namespaceTable(namespace, rows)];
    }),
  );
}

function offerNamespaces(namespaces) {
  const { namespace } = filter;
  const offered = [...namespace.options].slice(1).map(({ value }) => value);
  if (offered.join() === namespaces.join()) return;
  const chosen = namespace.value;
  namespace.replaceChildren(
    element("option", { value: "" }, "all"),
    ...namespaces.map((name) => element("option", { value: name }, name)),
  );
  namespace.value = namespaces.includes(chosen) ? chosen : "";
}

const columns = ["Name", "Status", "Strategy", "Step", "Weight", "Ready", "Images", "Age"];

function namespaceTable(namespace, rollouts) {
  return element(
    "section",
    { class: "card" },
    element("h2", {}, namespace),
    element(
      "table",
      { class: "list" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          columns.map((title) => element("th", { scope: "col" }, title)),
        ),
      ),
      element("tbody", {}, rollouts.map(rolloutRow)),
    ),
  );
}

function rolloutRow(info) {
  const { namespace, name, creationTimestamp } = info.objectMeta;
  const link = `#/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  const canary = info.strategy === "Canary";
  const cells = [
    element("a", { href: link }, name),
    [state(info.icon, info.status), element("div", { class: "message" }, info.message ?? "")],
    info.strategy ?? "–",
    info.step ?? "–",
    canary ? weightBar(info.setWeight, info.actualWeight) : "–",
    `${info.ready ?? 0}/${info.desired ?? 0}`,
    imagesOf(info).map(([image, roles]) =>
      element("div", { class: "image" }, element("code", {}, image), [...roles].map(role)),
    ),
    age(creationTimestamp),
  ];
  return element(
    "tr",
    {},
    cells.map((cell, index) => element(index === 0 ? "th" : "td", { "data-title": columns[index] }, cell)),
  );
}

addEventListener("hashchange", show);
addEventListener("submit", (event) => {
  if (event.target === filter) event.preventDefault();
});
setInterval(keepAges, 1000);
show();
