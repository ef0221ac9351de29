// The trace page: search, and one trace as a waterfall. Plain DOM; everything shown goes through textContent.

const main = document.getElementById("main");
const form = document.getElementById("search");
const COLOURS = [
  "#17b8be",
  "#f8a01c",
  "#b7885e",
  "#829ae3",
  "#e79fd5",
  "#1e96be",
  "#89dac1",
  "#b3ad9e",
  "#ff983f",
];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function get(path) {
  const response = await fetch(path);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.errors?.[0]?.msg ?? `status ${response.status}`);
  return answer.data;
}

function time(us) {
  if (us < 1000) return `${us}µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(2)}ms`;
  return `${(us / 1e6).toFixed(2)}s`;
}

function failed(span) {
  return span.tags.some((tag) => tag.key === "error" && tag.value === true);
}

function say(text) {
  main.replaceChildren(element("p", { class: "dim" }, text));
}

async function fillServices() {
  const services = (await get("/api/services")).sort();
  form.service.replaceChildren(...services.map((name) => element("option", { value: name }, name)));
  if (services.length === 0) say("No traces yet.");
}

async function fillOperations() {
  const operations = form.service.value
    ? ((await get(`/api/services/${encodeURIComponent(form.service.value)}/operations`)) ?? [])
    : [];
  const options = operations.sort().map((name) => element("option", { value: name }, name));
  form.operation.replaceChildren(element("option", { value: "" }, "all"), ...options);
}

function searchQuery() {
  const end = Date.now() * 1000;
  const query = new URLSearchParams({
    service: form.service.value,
    limit: form.limit.value,
    start: String(end - Number(form.lookback.value) * 60e6),
    end: String(end),
  });
  for (const name of ["operation", "minDuration", "maxDuration"])
    if (form[name].value) query.set(name, form[name].value);
  const tags = Object.fromEntries(
    form.tags.value
      .split(/\s+/)
      .filter((tag) => tag.includes("="))
      .map((tag) => [tag.slice(0, tag.indexOf("=")), tag.slice(tag.indexOf("=") + 1)]),
  );
  if (Object.keys(tags).length > 0) query.set("tags", JSON.stringify(tags));
  return query;
}

async function search() {
  const traces = await get(`/api/traces?${searchQuery()}`);
  if (traces.length === 0) return say("No trace matches.");
  const rows = traces
    .map((trace) => {
      const start = Math.min(...trace.spans.map((s) => s.startTime));
      const end = Math.max(...trace.spans.map((s) => s.startTime + s.duration));
      const ids = new Set(trace.spans.map((s) => s.spanID));
      const root = trace.spans.find((s) => !s.references.some((r) => ids.has(r.spanID))) ?? trace.spans[0];
      return { trace, start, duration: end - start, root, errors: trace.spans.filter(failed).length };
    })
    .sort((a, b) => b.start - a.start)
    .map(({ trace, start, duration, root, errors }) =>
      element(
        "tr",
        {},
        element("td", {}, new Date(start / 1000).toLocaleTimeString()),
        element(
          "td",
          {},
          element(
            "a",
            { href: `/trace/${trace.traceID}` },
            `${trace.processes[root.processID].serviceName}: ${root.operationName}`,
          ),
        ),
        element("td", { class: "dim" }, trace.traceID.slice(0, 7)),
        element("td", { class: "number" }, `${trace.spans.length} spans`),
        element(
          "td",
          { class: errors > 0 ? "number bad" : "number dim" },
          errors > 0 ? `${errors} errors` : "–",
        ),
        element("td", { class: "number" }, time(duration)),
      ),
    );
  main.replaceChildren(
    element("p", { class: "dim" }, `${traces.length} traces`),
    element("table", {}, ...rows),
  );
}

/** Spans in tree order with their depth; spans without a known parent are roots. */
function ordered(spans) {
  const ids = new Set(spans.map((s) => s.spanID));
  const children = new Map();
  for (const span of spans) {
    const parent = span.references.find((r) => r.refType === "CHILD_OF" && ids.has(r.spanID))?.spanID ?? "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const out = [];
  const seen = new Set();
  const walk = (id, depth) => {
    for (const span of (children.get(id) ?? []).sort((a, b) => a.startTime - b.startTime)) {
      if (seen.has(span)) continue;
      seen.add(span);
      out.push({ span, depth });
      walk(span.spanID, depth + 1);
    }
  };
  walk("", 0);
  return out;
}

const SVG = "http://www.w3.org/2000/svg";

function bar(span, start, length, colour) {
  const svg = document.createElementNS(SVG, "svg");
  const rect = document.createElementNS(SVG, "rect");
  const left = ((span.startTime - start) / length) * 100;
  const width = Math.max((span.duration / length) * 100, 0.2);
  const set = (node, values) => {
    for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
  };
  set(rect, {
    x: `${left}%`,
    width: `${width}%`,
    y: "25%",
    height: "50%",
    fill: failed(span) ? "#d33" : colour,
    rx: 2,
  });
  const label = document.createElementNS(SVG, "text");
  const after = left + width < 85;
  set(label, {
    x: `${after ? left + width + 0.5 : left - 0.5}%`,
    y: "70%",
    "text-anchor": after ? "start" : "end",
  });
  label.textContent = time(span.duration);
  svg.append(rect, label);
  return svg;
}

function table(tags) {
  return element(
    "table",
    {},
    ...tags.map((tag) => element("tr", {}, element("td", {}, tag.key), element("td", {}, String(tag.value)))),
  );
}

function details(span, process, start) {
  const box = element("div", { class: "details" }, table(span.tags));
  for (const log of span.logs) {
    box.append(element("p", { class: "dim" }, `+${time(log.timestamp - start)}`), table(log.fields));
  }
  box.append(element("p", { class: "dim" }, "process"), table(process.tags));
  return box;
}

async function showTrace(id) {
  const [trace] = await get(`/api/traces/${encodeURIComponent(id)}`);
  const start = Math.min(...trace.spans.map((s) => s.startTime));
  const end = Math.max(...trace.spans.map((s) => s.startTime + s.duration));
  const services = [...new Set(Object.values(trace.processes).map((p) => p.serviceName))].sort();
  const rows = ordered(trace.spans).map(({ span, depth }) => {
    const process = trace.processes[span.processID];
    const colour = COLOURS[services.indexOf(process.serviceName) % COLOURS.length];
    const name = element(
      "div",
      { class: "name" },
      element("b", {}, process.serviceName),
      ` ${span.operationName}`,
    );
    name.style.paddingLeft = `${depth}rem`;
    if (failed(span)) name.prepend(element("span", { class: "bad" }, "! "));
    const row = element("div", { class: "span" }, name, bar(span, start, Math.max(end - start, 1), colour));
    let shown;
    row.addEventListener("click", () => {
      if (shown) shown.remove();
      shown = shown ? undefined : details(span, process, start);
      if (shown) row.after(shown);
    });
    return row;
  });
  const title = `${trace.traceID} · ${new Date(start / 1000).toLocaleString()} · ${time(end - start)} · ${trace.spans.length} spans · ${services.join(", ")}`;
  main.replaceChildren(element("p", { class: "dim" }, title), ...rows);
}

async function begin() {
  await fillServices();
  await fillOperations();
  const trace = /^\/trace\/([0-9a-fA-F]+)/.exec(location.pathname);
  if (trace) return showTrace(trace[1]);
  if (form.service.value) await search();
}

const guarded = (action) => (event) => {
  event?.preventDefault();
  action().catch((error) => say(error.message));
};
form.service.addEventListener("change", guarded(fillOperations));
form.addEventListener("submit", guarded(search));
guarded(begin)();
