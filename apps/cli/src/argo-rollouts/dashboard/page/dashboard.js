// The page: which of its two views is shown, the stream behind it, and the list of all Rollouts.

import { age, element, imagesOf, keepAges, role, state, weightBar } from "./dom.js";
import { rolloutPage } from "./rollout.js";

const main = document.getElementById("main");
const filter = document.getElementById("filter");
const connection = document.getElementById("connection");

/** What is followed now; closed when another view is shown. */
let source;

function follow(path, { started, event, gone }) {
  source?.close();
  source = new EventSource(`api/v1/${path}`);
  source.onopen = () => {
    connection.textContent = "";
    // After a gap all is told again; what went away meanwhile is not.
    started?.();
  };
  source.onmessage = ({ data }) => {
    const { result, error } = JSON.parse(data);
    if (error === undefined) return event(result);
    source.close();
    gone?.(error.message);
  };
  source.onerror = () => {
    connection.textContent = "Connection lost. Trying again…";
  };
}

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
  const rollouts = new Map();
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
    started() {
      rollouts.clear();
      // Nothing may follow: there may be none.
      setTimeout(drawSoon, 500);
    },
    event({ type, rolloutInfo }) {
      const { namespace, name } = rolloutInfo.objectMeta;
      if (type === "Deleted") rollouts.delete(`${namespace}/${name}`);
      else rollouts.set(`${namespace}/${name}`, rolloutInfo);
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
