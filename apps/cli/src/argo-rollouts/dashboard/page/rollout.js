// One Rollout: what it does, its steps, containers and revisions, and what a person can do with it.

import { analysisRun } from "./analysis.js";
import { age, element, imagesOf, role, rolesOf, state, weightBar } from "./dom.js";

const token = document.querySelector("meta[name=token]").content;
const told = document.getElementById("told");
const dialog = document.getElementById("confirm");

/** Parts of the page that are drawn again only when what they show has changed: typing and reading go on. */
export function rolloutPage(main, namespace, name) {
  const parts = {};
  const shown = new Map();
  const open = new Map();
  const draw = (part, what, make) => {
    const text = JSON.stringify(what);
    if (shown.get(part) === text) return;
    shown.set(part, text);
    parts[part].replaceChildren(...[make()].flat());
  };
  const path = `api/v1/rollouts/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

  function frame() {
    for (const [part, tag] of [
      ["head", "header"],
      ["actions", "div"],
      ["summary", "section"],
      ["steps", "section"],
      ["containers", "section"],
      ["revisions", "div"],
    ])
      parts[part] = element(tag, { class: part === "head" || part === "revisions" ? part : `${part} card` });
    parts.actions.className = "actions";
    main.replaceChildren(
      element("p", {}, element("a", { href: "#/" }, "← All Rollouts")),
      element("div", { class: "top" }, parts.head, parts.actions),
      element(
        "div",
        { class: "columns" },
        element("div", {}, parts.summary, parts.steps, parts.containers),
        parts.revisions,
      ),
    );
  }

  return {
    update(info) {
      if (parts.head === undefined) frame();
      const { status, icon, message, strategy, steps, step, replicaSets = [], analysisRuns = [] } = info;
      draw("head", [status, message], () => [
        element("h2", {}, name, " ", element("small", { class: "dim" }, namespace)),
        element("p", {}, state(icon, status), message ? ` ${message}` : ""),
      ]);
      draw("actions", status, () => actions(path, name, status));
      draw(
        "summary",
        [strategy, step, info.setWeight, info.actualWeight, counts(info), replicaSets.map(rolesOf)],
        () => summary(info),
      );
      parts.steps.hidden = strategy !== "Canary" || steps === undefined;
      draw("steps", [steps, step, status], () => stepList(steps ?? [], step ?? "", status));
      draw("containers", [info.containers, info.initContainers], () => containers(path, info));
      draw("revisions", [replicaSets, analysisRuns], () => revisions(path, info, open));
    },
  };
}

const counts = (info) =>
  ["desired", "current", "updated", "ready", "available"].map((key) => [key, info[key] ?? 0]);

function actions(path, name, status) {
  const under = status === "Progressing" || status === "Paused";
  const button = (label, enabled, text, verb, body = {}) => {
    const made = element("button", { type: "button", disabled: !enabled }, label);
    made.onclick = () => ask(label, `${text}`, () => put(`${path}/${verb}`, body, `${name}: ${label}`));
    return made;
  };
  return [
    button("Restart", true, `Replace all pods of ${name} with new ones, without another version?`, "restart"),
    button(
      "Retry",
      status === "Degraded",
      `Start the release of ${name} again from its first step?`,
      "retry",
    ),
    button("Abort", under, `Take the release of ${name} back to the stable version?`, "abort"),
    button("Promote", under, `Let ${name} go on to its next step?`, "promote", { full: false }),
    button(
      "Promote full",
      under,
      `Skip all steps, pauses and analyses that are left, and give all of the traffic to the new version of ${name}?`,
      "promote",
      { full: true },
    ),
  ];
}

function summary(info) {
  const line = (title, value) => [element("dt", {}, title), element("dd", {}, value)];
  const canary = info.strategy === "Canary";
  return [
    element("h3", {}, "Summary"),
    element(
      "dl",
      {},
      line("Strategy", info.strategy ?? "–"),
      canary ? line("Step", info.step ?? "–") : [],
      canary ? line("Weight", weightBar(info.setWeight, info.actualWeight)) : [],
      line(
        "Replicas",
        counts(info).map(([key, count]) =>
          element("span", { class: "count" }, element("b", {}, String(count)), ` ${key}`),
        ),
      ),
      line(
        "Images",
        imagesOf(info).map(([image, roles]) =>
          element("div", { class: "image" }, element("code", {}, image), [...roles].map(role)),
        ),
      ),
      line("Restarted", info.restartedAt ?? "Never"),
    ),
  ];
}

function stepList(steps, step, status) {
  const at = Number(step.split("/")[0]);
  const item = (one, index) => {
    const kind = index < at ? "done" : index === at && status !== "Degraded" ? "now" : "later";
    const marks = { done: "✔", now: "▶", later: "○" };
    return element(
      "li",
      { class: kind, "aria-current": kind === "now" ? "step" : undefined },
      element("span", { class: "mark", "aria-hidden": true }, marks[kind]),
      stepText(one),
    );
  };
  return [element("h3", {}, "Steps"), element("ol", { class: "steps-list" }, steps.map(item))];
}

function stepText(step) {
  if (step.setWeight !== undefined) return `Set weight to ${step.setWeight} %`;
  if (step.pause !== undefined)
    return step.pause.duration ? `Pause for ${seconds(step.pause.duration)}` : "Pause until promoted";
  if (step.analysis !== undefined) return `Analysis: ${templates(step.analysis)}`;
  if (step.experiment !== undefined) return "Experiment";
  if (step.setCanaryScale !== undefined) return `Set canary scale ${JSON.stringify(step.setCanaryScale)}`;
  return Object.keys(step).join(", ") || "Nothing";
}

const seconds = (duration) => (/^\d+$/.test(String(duration)) ? `${duration}s` : duration);
const templates = ({ templates: of = [] }) => of.map(({ templateName }) => templateName).join(", ");

function containers(path, info) {
  const form = ({ name, image }, fixed) => {
    const input = element("input", {
      value: image ?? "",
      "aria-label": `image of ${name}`,
      disabled: fixed,
      spellcheck: "false",
    });
    const button = element("button", { type: "submit", disabled: true }, "Set image");
    const made = element(
      "form",
      { class: "container" },
      element("label", {}, element("span", {}, name), input),
      button,
    );
    input.oninput = () => {
      button.disabled = fixed || !/^\S+:[^\s:/]+$/.test(input.value) || input.value === image;
    };
    made.onsubmit = (event) => {
      event.preventDefault();
      const at = input.value.lastIndexOf(":");
      const [repository, tag] = [input.value.slice(0, at), input.value.slice(at + 1)];
      const to = `${path}/set/${encodeURIComponent(name)}/${repository.split("/").map(encodeURIComponent).join("/")}/${encodeURIComponent(tag)}`;
      ask("Set image", `Release ${input.value} in the container ${name}?`, () =>
        put(to, {}, `${name}: image set`),
      );
    };
    return made;
  };
  return [
    element("h3", {}, "Containers"),
    (info.containers ?? []).map((container) => form(container, false)),
    (info.initContainers ?? []).map((container) => form(container, true)),
  ].flat();
}

function revisions(path, info, open) {
  const { replicaSets = [], analysisRuns = [] } = info;
  const numbers = [...new Set([...replicaSets, ...analysisRuns].map(({ revision }) => revision ?? 0))].sort(
    (a, b) => b - a,
  );
  return numbers.map((number, index) => {
    const sets = replicaSets.filter(({ revision }) => (revision ?? 0) === number);
    const runs = analysisRuns.filter(({ revision }) => (revision ?? 0) === number);
    const images = [...new Set(sets.flatMap((set) => set.images ?? []))];
    return element(
      "section",
      { class: "card revision" },
      element(
        "header",
        {},
        element("h3", {}, `Revision ${number}`, sets.flatMap(rolesOf).map(role)),
        index === 0 || sets.length === 0 ? undefined : rollback(path, number, images),
      ),
      images.map((image) => element("div", { class: "image" }, element("code", {}, image))),
      sets.map(replicaSet),
      runs.map((run) => analysisRun(run, open)),
    );
  });
}

function rollback(path, number, images) {
  const made = element("button", { type: "button" }, "Rollback");
  made.onclick = () =>
    ask("Rollback", `Release the template of revision ${number} (${images.join(", ")}) again?`, () =>
      put(`${path}/undo/${number}`, {}, `Rollback to revision ${number}`),
    );
  return made;
}

function replicaSet(set) {
  const { pods = [] } = set;
  return element(
    "div",
    { class: "set" },
    element(
      "p",
      {},
      element("span", { class: "name" }, set.objectMeta.name),
      " ",
      state(set.icon, set.status),
      element(
        "span",
        { class: "dim" },
        ` ${set.available ?? 0}/${set.replicas ?? 0} available, `,
        age(set.objectMeta.creationTimestamp),
      ),
    ),
    pods.length === 0
      ? undefined
      : element(
          "ul",
          { class: "pods" },
          pods.map((pod) =>
            element(
              "li",
              {},
              state(pod.icon, pod.status),
              element("span", { class: "name" }, pod.objectMeta.name),
              element(
                "span",
                { class: "dim" },
                `ready ${pod.ready ?? "0/0"}`,
                pod.restarts ? `, ${pod.restarts} restarts` : "",
                ", ",
                age(pod.objectMeta.creationTimestamp),
              ),
            ),
          ),
        ),
  );
}

function ask(title, text, then) {
  document.getElementById("confirm-title").textContent = title;
  document.getElementById("confirm-text").textContent = text;
  document.getElementById("confirm-yes").textContent = title;
  dialog.onclose = () => {
    if (dialog.returnValue === "yes") then();
  };
  dialog.returnValue = "no";
  dialog.showModal();
}

async function put(path, body, done) {
  try {
    const response = await fetch(path, {
      method: "PUT",
      headers: { "content-type": "application/json", "x-tracegate-token": token },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    tell(response.ok ? done : answer.message, !response.ok);
  } catch (error) {
    tell(String(error), true);
  }
}

let forgetting;
function tell(text, isProblem) {
  told.textContent = text;
  told.className = isProblem ? "problem" : "";
  clearTimeout(forgetting);
  forgetting = setTimeout(
    () => {
      told.textContent = "";
    },
    isProblem ? 15_000 : 5000,
  );
}
