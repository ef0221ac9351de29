import { combinations } from "./rollouts-combined.ts";
import type { ScenarioInput } from "./scenario.ts";
import {
  active,
  after,
  analysis,
  blueGreen,
  canary,
  done,
  forever,
  gate,
  image,
  type Json,
  metric,
  on,
  patch,
  pause,
  preview,
  query,
  scenarioList,
  service,
  template,
  update,
  weight,
} from "./scenario-parts.ts";

// Scenarios of Argo Rollouts to record. Each asks one question; `about` says which.

const { list, scenario } = scenarioList();

// Replica arithmetic.
for (const [name, replicas, steps, over] of [
  ["weights-odd", 3, [weight(7), pause(1), weight(33), pause(1), weight(51), pause(1), weight(99), pause(1)], {}],
  ["weights-of-ten", 10, [weight(5), pause(1), weight(33), pause(1), weight(66), pause(1), weight(95), pause(1)], {}],
  ["surge-absolute", 4, [weight(25), pause(1), weight(50), pause(1)], { maxSurge: 2, maxUnavailable: 0 }],
  ["surge-percent", 5, [weight(20), pause(1), weight(60), pause(1)], { maxSurge: "40%", maxUnavailable: "20%" }],
  ["surge-none", 4, [weight(25), pause(1), weight(75), pause(1)], { maxSurge: 0, maxUnavailable: 1 }],
  ["surge-none-tie", 10, [weight(95), pause(1)], { maxSurge: 0, maxUnavailable: 1 }],
  ["surge-without-percent", 5, [weight(40), pause(1)], { maxSurge: "2", maxUnavailable: "0" }],
  ["surge-all", 3, [weight(50), pause(1)], { maxSurge: "100%", maxUnavailable: 0 }],
  ["unavailable-all", 3, [weight(50), pause(1)], { maxSurge: 0, maxUnavailable: "100%" }],
  ["one-replica-no-surge", 1, [weight(20), pause(1), weight(60), pause(1)], { maxSurge: 0, maxUnavailable: 1 }],
  ["weight-zero", 3, [weight(0), pause(1), weight(50), pause(1)], {}],
  ["weight-hundred", 3, [weight(100), pause(1)], {}],
  ["weights-falling", 4, [weight(75), pause(1), weight(25), pause(1)], {}],
] as const)
  scenario(name, `${replicas} replicas, ${JSON.stringify(over)}`, [canary(steps, over, { replicas })], [update, done]);
scenario("replicas-zero", "nothing to run", [canary([weight(50), pause(1)], {}, { replicas: 0 })], [update, done]);
scenario("replicas-absent", "the default is written into the spec", [canary([weight(50), pause(1)], {}, { replicas: undefined })], [update, done]);
scenario("zero-to-three", "scaled up from nothing", [canary([weight(50), forever], {}, { replicas: 0 })], [on("healthy", patch({ replicas: 3 })), on("healthy", image(2)), on("paused", "promote web"), done]);

// Pauses.
scenario("pause-units", "durations in all their forms", [canary([pause("1s"), pause("1500ms"), pause("1"), pause(1), pause("0"), pause("0.02m"), pause(0)])], [update, done]);
scenario("pause-first", "a pause before any weight", [canary([forever, weight(50)])], [update, on("paused", "promote web"), done]);
scenario("pauses-in-a-row", "two endless pauses", [canary([weight(50), forever, forever])], [update, on("paused", "promote web"), on("paused", "promote web"), done]);
scenario("pause-promoted-early", "a timed pause, ended by hand", [canary([weight(50), pause("30s")])], [update, on("paused", "promote web"), done]);
scenario("pause-condition-removed", "the pause condition taken out by a patch of the spec has no effect", [canary([weight(50), forever])], [update, on("paused", patch({ paused: true })), after(700, patch({ paused: false })), after(500, "promote web"), done]);

// Steps changed on the way.
scenario("steps-changed-paused", "other steps while paused", [canary([weight(50), forever])], [update, on("paused", patch({ strategy: { canary: { steps: [weight(20), forever, weight(80)] } } })), on("paused", "promote web"), done]);
scenario("steps-changed-healthy", "other steps while all is well", [canary([weight(50), pause(1)])], [on("healthy", patch({ strategy: { canary: { steps: [weight(20)] } } })), after(800, image(2)), done]);
scenario("steps-removed-paused", "no steps any more", [canary([weight(50), forever])], [update, on("paused", patch({ strategy: { canary: { steps: null } } })), done]);
scenario("steps-added-later", "steps where there were none", [canary(undefined)], [on("healthy", patch({ strategy: { canary: { steps: [weight(50), pause(1)] } } })), after(800, image(2)), done]);
scenario("steps-empty-list", "an empty list of steps", [canary([])], [update, done]);
scenario("surge-changed-paused", "surge changed while paused", [canary([weight(50), forever], {}, { replicas: 4 })], [update, on("paused", patch({ strategy: { canary: { maxSurge: 0 } } })), after(700, "promote web"), done]);
scenario("template-and-steps", "image and steps in one patch", [canary([weight(50), forever])], [on("healthy", patch({ template: template(2), strategy: { canary: { steps: [weight(20), pause(1)] } } })), done]);

// Commands at every phase.
scenario("promote-healthy", "promote with nothing to do", [canary([weight(50), pause(1)])], [on("healthy", "promote web"), after(600, "promote web --full"), after(600)]);
scenario("promote-mid-weight", "promote while pods are starting", [canary([weight(50), pause(1), weight(80)])], [on("healthy", image("web:2-slow")), after(1200, "promote web"), done]);
scenario("promote-full-mid-weight", "full promotion while pods are starting", [canary([weight(50), forever])], [on("healthy", image("web:2-slow")), after(1200, "promote web --full"), done]);
scenario("promote-skip", "the deprecated flags", [canary([weight(50), forever, weight(80), forever])], [update, on("paused", "promote web --skip-current-step"), on("paused", "promote web --skip-all-steps"), done]);
scenario("promote-without-steps", "promote where there are no steps", [canary(undefined)], [on("healthy", "promote web"), after(500, "promote web --skip-current-step"), after(500)]);
scenario("promote-bluegreen-skip", "skipping steps of blue-green", [active, blueGreen({ autoPromotionEnabled: false })], [on("healthy", "promote web --skip-all-steps"), after(500)]);
scenario("abort-healthy", "abort with nothing going on", [canary([weight(50), pause(1)])], [on("healthy", "abort web"), after(700, "retry rollout web"), after(600)]);
scenario("abort-mid-weight", "abort while pods are starting", [canary([weight(50), pause(1)], {}, { replicas: 4 })], [on("healthy", image("web:2-slow")), after(1200, "abort web"), on("degraded", "promote web"), after(1500)]);
scenario("abort-promote-full", "full promotion of what was aborted", [canary([weight(50), forever])], [update, on("paused", "abort web"), on("degraded", "promote web --full"), done]);
scenario("abort-twice", "aborted, retried, aborted", [canary([weight(50), forever])], [update, on("paused", "abort web"), on("degraded", "retry rollout web"), on("paused", "abort web"), on("degraded", "wait")]);
scenario("abort-new-image", "another version after an abort", [canary([weight(50), forever])], [update, on("paused", "abort web"), on("degraded", image(3)), on("paused", "promote web"), done]);
scenario("abort-no-steps", "abort without steps", [canary(undefined)], [on("healthy", image("web:2-never")), after(1500, "abort web"), on("degraded", "wait"), after(700, "retry rollout web"), after(1000)]);
scenario("retry-healthy", "retry with nothing to retry", [canary([weight(50), pause(1)])], [on("healthy", "retry rollout web"), after(600)]);
scenario("pause-healthy", "paused by hand while all is well, then a new image", [canary([weight(50), pause(1)])], [on("healthy", "pause web"), on("paused", image(2)), after(1000, "promote web"), done]);
scenario("pause-mid-weight", "paused by hand while pods are starting", [canary([weight(50), pause(1)])], [on("healthy", image("web:2-slow")), after(1000, "pause web"), after(5000, "promote web"), done]);
scenario("restart-canary-paused", "restart in the middle", [canary([weight(50), forever], {}, { replicas: 3 })], [update, on("paused", "restart web"), after(2500, "promote web"), done]);
scenario("restart-in", "restart later", [canary([weight(50), pause(1)])], [on("healthy", "restart web --in 2s"), after(4000)]);
scenario("restart-bluegreen", "restart of blue-green", [active, blueGreen({}, { replicas: 3 })], [on("healthy", "restart web"), after(3500)]);
scenario("restart-then-image", "a new image while restarting", [canary([weight(50), pause(1)], {}, { replicas: 3 })], [on("healthy", "restart web"), after(300, image(2)), done]);
scenario("set-image", "set image by the plugin", [canary([weight(50), pause(1)])], [on("healthy", "set image web web=web:2"), done, after(200, "set image web *=web:3"), done, after(200, "set image web other=web:4"), after(500)]);
scenario("undo-mid-rollout", "undo while paused", [canary([weight(50), forever])], [update, on("paused", "undo web"), done]);
scenario("undo-to-revision", "undo to a revision", [canary(undefined)], [update, on("done", image(3)), on("done", "undo web --to-revision=1"), done, after(200, "undo web --to-revision=9"), after(200, "undo web --to-revision=4"), after(400)]);
scenario("status-commands", "status and list", [canary([weight(50), forever])], [on("healthy", "status web --watch=false"), after(100, "list rollouts"), after(100, image(2)), on("paused", "status web --watch=false"), after(100, "list rollouts"), after(100, "abort web"), on("degraded", "status web --watch=false"), after(100, "get rollout web --no-color")]);
scenario("commands-not-found", "commands about what is not there", [canary(undefined)], [on("healthy", "promote none"), after(50, "abort none"), after(50, "get rollout none"), after(50, "undo none"), after(50, "restart none"), after(50, "status none"), after(50, "pause none"), after(50, "retry rollout none")]);

// Versions.
scenario("third-version-starting", "a third version while the second starts", [canary([weight(50), forever], {}, { replicas: 4 })], [on("healthy", image("web:2-slow")), after(1500, image(3)), on("paused", "promote web"), done]);
scenario("history-limit", "old ReplicaSets go", [canary(undefined, {}, { revisionHistoryLimit: 1 })], [update, on("done", image(3)), on("done", image(4)), done]);
scenario("history-limit-zero", "no old ReplicaSets", [canary(undefined, {}, { revisionHistoryLimit: 0 })], [update, on("done", image(3)), done]);
scenario("back-after-done", "back to the first version", [canary([weight(50), pause(1)])], [update, on("done", image(1)), done]);
scenario("rollback-window", "back within the window", [canary([weight(50), pause("2s")], {}, { rollbackWindow: { revisions: 3 } })], [update, on("done", image(1)), done]);
scenario("rollback-window-outside", "back beyond the window", [canary([weight(50), pause(1)], {}, { rollbackWindow: { revisions: 1 } })], [update, { waited: "done", after: 900, do: image(3) }, { waited: "done", after: 900, do: image(4) }, on("done", image(1)), done]);
scenario("bluegreen-rollback-window", "blue-green, back within the window", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false }, { rollbackWindow: { revisions: 3 } })], [update, on("paused", "promote web"), on("done", image(1)), done]);
scenario("annotations-change", "labels of the template change", [canary([weight(50), pause(1)])], [on("healthy", patch({ template: { metadata: { labels: { app: "web", tier: "x" }, annotations: { note: "1" } } } })), done]);

// Size.
scenario("scale-while-paused", "scaled up and down while paused", [canary([weight(50), forever], {}, { replicas: 2 })], [update, on("paused", patch({ replicas: 6 })), after(1500, patch({ replicas: 3 })), after(1500, "promote web"), done]);
scenario("scale-while-aborted", "scaled after an abort", [canary([weight(50), forever], {}, { replicas: 2 })], [update, on("paused", "abort web"), on("degraded", patch({ replicas: 5 })), after(1500, "retry rollout web"), on("paused", "promote web --full"), done]);
scenario("scale-healthy", "scaled with nothing going on", [canary([weight(50), pause(1)])], [on("healthy", patch({ replicas: 5 })), on("healthy", patch({ replicas: 1 })), on("healthy", patch({ replicas: 0 })), after(1000)]);
scenario("scale-zero-paused", "scaled to nothing while paused", [canary([weight(50), forever])], [update, on("paused", patch({ replicas: 0 })), after(1200, patch({ replicas: 2 })), after(1200, "promote web"), done]);
scenario("scale-while-user-paused", "scaled while paused by hand", [canary([weight(50), pause(1)])], [on("healthy", "pause web"), on("paused", patch({ replicas: 4 })), after(1200, "promote web"), done]);
scenario("scale-and-image", "size and image in one patch", [canary([weight(50), pause(1)])], [on("healthy", patch({ replicas: 4, template: template(2) })), done]);
scenario("scale-bluegreen-paused", "blue-green, scaled while paused", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false })], [update, on("paused", patch({ replicas: 4 })), after(1200, "promote web"), done]);

// Readiness and deadlines.
scenario("min-ready", "available after two seconds", [canary([weight(50), pause(1)], {}, { minReadySeconds: 2 })], [update, done]);
scenario("min-ready-changed", "minReadySeconds changes alone", [canary([weight(50), pause(1)])], [on("healthy", patch({ minReadySeconds: 1 })), after(800, image(2)), done]);
scenario("deadline-abort", "a deadline that aborts", [canary([weight(50), pause(1)], {}, { progressDeadlineSeconds: 2, progressDeadlineAbort: true })], [on("healthy", image("web:2-never")), on("degraded", "wait"), after(1500)]);
scenario("deadline-abort-bluegreen", "a deadline that aborts, blue-green", [active, preview, blueGreen({ previewService: "preview", abortScaleDownDelaySeconds: 2 }, { progressDeadlineSeconds: 2, progressDeadlineAbort: true })], [on("healthy", image("web:2-never")), on("degraded", "wait"), after(3500)]);
scenario("deadline-recovers", "ready after the deadline", [canary([weight(50), pause(1)], {}, { progressDeadlineSeconds: 2 })], [on("healthy", image("web:2-slow")), on("degraded", "wait"), done]);
scenario("deadline-first-deploy", "the first deployment never gets ready", [canary([weight(50)], {}, { progressDeadlineSeconds: 2, template: template("web:1-never") })], [on("degraded", "wait"), after(800, image(2)), done]);
scenario("deadline-then-image", "a good version after the deadline", [canary([weight(50), pause(1)], {}, { progressDeadlineSeconds: 2 })], [on("healthy", image("web:2-never")), on("degraded", image(3)), done]);
scenario("deadline-while-paused", "no deadline counts in a pause", [canary([weight(50), pause("4s")], {}, { progressDeadlineSeconds: 2 })], [update, done]);
scenario("crash-first", "the first version crashes", [canary([weight(50)], {}, { template: template("web:1-crash") })], [after(2500, image(2)), done]);

// Blue-green.
scenario("bg-auto-seconds", "promoted after two seconds", [active, preview, blueGreen({ previewService: "preview", autoPromotionSeconds: 2, scaleDownDelaySeconds: 2 })], [update, done, after(3500)]);
scenario("bg-auto-seconds-promoted", "promoted before its time", [active, preview, blueGreen({ previewService: "preview", autoPromotionSeconds: 20 })], [update, on("paused", "promote web"), done]);
scenario("bg-no-preview", "no preview Service", [active, blueGreen({ autoPromotionEnabled: false })], [update, on("paused", "promote web"), done]);
scenario("bg-preview-count", "a small preview", [active, preview, blueGreen({ previewService: "preview", previewReplicaCount: 1, autoPromotionEnabled: false }, { replicas: 3 })], [update, on("paused", "promote web"), done]);
scenario("bg-preview-count-auto", "a small preview, promoted at once", [active, preview, blueGreen({ previewService: "preview", previewReplicaCount: 1 }, { replicas: 3 })], [update, done]);
scenario("bg-abort", "aborted while paused", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false, abortScaleDownDelaySeconds: 2 })], [update, on("paused", "abort web"), on("degraded", "wait"), after(3500, "retry rollout web"), on("paused", "promote web"), done]);
scenario("bg-abort-keeps", "aborted; kept for ever", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false, abortScaleDownDelaySeconds: 0 })], [update, on("paused", "abort web"), on("degraded", "wait"), after(2000)]);
scenario("bg-abort-default", "aborted; default delay", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false })], [update, on("paused", "abort web"), on("degraded", "wait"), after(800, image(3)), on("paused", "promote web"), done]);
scenario("bg-scale-down-delay", "the old version goes after two seconds", [active, blueGreen({ scaleDownDelaySeconds: 2 })], [update, done, after(3500)]);
scenario("bg-delay-revision-limit", "one old version may wait", [active, blueGreen({ scaleDownDelaySeconds: 20, scaleDownDelayRevisionLimit: 1 })], [update, on("done", image(3)), done, after(1000, image(4)), done, after(1000)]);
scenario("bg-back-in-delay", "back while the old version is still there", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false, scaleDownDelaySeconds: 20 })], [update, on("paused", "promote web"), on("done", image(1)), done]);
scenario("bg-back-paused", "back before the switch", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false })], [update, on("paused", image(1)), done]);
scenario("bg-third-version", "a third version while paused", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false })], [update, on("paused", image(3)), on("paused", "promote web"), done]);
scenario("bg-full-promotion", "full promotion while the preview starts", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false })], [on("healthy", image("web:2-slow")), after(1000, "promote web --full"), done]);
scenario("bg-user-pause", "paused by hand", [active, preview, blueGreen({ previewService: "preview" })], [on("healthy", "pause web"), on("paused", image(2)), after(1500, "promote web"), done]);
scenario("bg-metadata", "labels of active and preview", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false, previewMetadata: { labels: { role: "preview" } }, activeMetadata: { labels: { role: "active" }, annotations: { note: "on" } } })], [update, on("paused", "promote web"), done]);
scenario("bg-scale-zero", "blue-green of nothing", [active, blueGreen({}, { replicas: 0 })], [update, after(1500)]);
scenario("bg-never-ready", "a preview that never gets ready", [active, preview, blueGreen({ previewService: "preview" }, { progressDeadlineSeconds: 2 })], [on("healthy", image("web:2-never")), on("degraded", image(3)), done]);
scenario("bg-pre-pass", "analysis before the switch", [gate([metric({ count: 2 })]), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: analysis("gate")["analysis"] })], [update, done], [0.01]);
scenario("bg-post-pass", "analysis after the switch", [gate([metric({ count: 2 })]), active, preview, blueGreen({ previewService: "preview", postPromotionAnalysis: analysis("gate")["analysis"], scaleDownDelaySeconds: 1 })], [update, done, after(2000)], [0.01]);
scenario("bg-pre-and-pause", "analysis, then a person", [gate([metric()]), active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false, prePromotionAnalysis: analysis("gate")["analysis"] })], [update, on("paused", "promote web"), done], [0.01]);
scenario("bg-pre-inconclusive", "an analysis that cannot tell", [gate([metric({ failureCondition: "result[0] > 0.5" })]), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: analysis("gate")["analysis"] })], [update, on("paused", "promote web"), after(2500)], [0.3, 0.01]);
scenario("bg-post-inconclusive", "an analysis after the switch that cannot tell", [gate([metric({ failureCondition: "result[0] > 0.5" })]), active, preview, blueGreen({ previewService: "preview", postPromotionAnalysis: analysis("gate")["analysis"] })], [update, on("paused", "promote web"), after(2500)], [0.3, 0.01]);
scenario("bg-pre-fail-retry", "failed before the switch, retried", [gate([metric()]), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: analysis("gate")["analysis"] })], [update, on("degraded", "retry rollout web"), done], [0.9, 0.01]);
scenario("bg-post-fail-retry", "failed after the switch, retried", [gate([metric()]), active, preview, blueGreen({ previewService: "preview", postPromotionAnalysis: analysis("gate")["analysis"] })], [update, on("degraded", "retry rollout web"), done], [0.9, 0.01]);
scenario("bg-promote-during-pre", "full promotion while it is asked", [gate([metric({ count: 10 })]), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: analysis("gate")["analysis"] })], [update, after(1500, "promote web --full"), done], [0.01]);
scenario("bg-anti-affinity", "pods kept apart", [active, preview, blueGreen({ previewService: "preview", antiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } })], [update, done]);
scenario("bg-to-canary", "the strategy changes", [active, blueGreen()], [on("healthy", patch({ strategy: { blueGreen: null, canary: { steps: [weight(50), pause(1)] } } })), after(800, image(2)), done]);
scenario("canary-to-bg", "the strategy changes", [active, canary([weight(50), pause(1)])], [on("healthy", patch({ strategy: { canary: null, blueGreen: { activeService: "active" } } })), after(800, image(2)), done]);
scenario("service-comes-late", "a Service that is not there yet", [blueGreen()], [after(1000)]);

// Metadata, Services.
scenario("metadata-canary", "labels of canary and stable, aborted", [canary([weight(50), forever], { canaryMetadata: { labels: { role: "canary" }, annotations: { note: "new" } }, stableMetadata: { labels: { role: "stable" } } })], [update, on("paused", "abort web"), on("degraded", "wait"), after(800, "retry rollout web"), on("paused", "promote web"), done]);
scenario("metadata-changed", "other labels while paused", [canary([weight(50), forever], { canaryMetadata: { labels: { role: "canary", old: "1" } } })], [update, on("paused", patch({ strategy: { canary: { canaryMetadata: { labels: { role: "c", old: null } } } } })), after(800, "promote web"), done]);
scenario("services-abort", "Services after an abort", [service("stable"), service("canary"), canary([weight(50), forever], { stableService: "stable", canaryService: "canary" })], [update, on("paused", "abort web"), on("degraded", "wait"), after(1500)]);
scenario("services-canary-only", "a canary Service alone", [service("canary"), canary([weight(50), pause(1)], { canaryService: "canary" })], [update, done]);
scenario("services-never-ready", "no pod to lead to", [service("stable"), service("canary"), canary([weight(50), pause(1)], { stableService: "stable", canaryService: "canary" })], [on("healthy", image("web:2-never")), after(1500, "abort web"), after(1200)]);
scenario("services-dropped", "Services taken out of the spec", [service("stable"), service("canary"), canary([weight(50), pause(1)], { stableService: "stable", canaryService: "canary" })], [on("healthy", patch({ strategy: { canary: { stableService: null, canaryService: null } } })), after(1000, image(2)), done]);
scenario("anti-affinity", "pods kept apart", [canary([weight(50), forever], { antiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: { weight: 10 } } })], [update, on("paused", "promote web"), done]);

// Analysis.
const step = (metrics: readonly Json[], over: Json = {}, args: Json = {}) => [
  gate(metrics, over),
  canary([weight(50), { analysis: { templates: [{ templateName: "gate" }], ...args } }, pause(1)]),
];
scenario("an-first-step", "analysis before any weight", [gate([metric()]), canary([analysis("gate"), weight(50), pause(1)])], [update, done], [0.01]);
scenario("an-two-steps", "two analysis steps in a row", [gate([metric()]), canary([weight(50), analysis("gate"), analysis("gate"), weight(80)])], [update, done], [0.01]);
scenario("an-background-start", "background analysis from step two", [gate([metric({ count: undefined })]), canary([weight(25), pause(1), weight(50), pause("2s")], { analysis: { templates: [{ templateName: "gate" }], startingStep: 2 } })], [update, done], [0.01]);
scenario("an-background-inconclusive", "a background analysis that cannot tell", [gate([metric({ count: undefined, failureCondition: "result[0] > 0.5" })]), canary([weight(50), pause("3s"), weight(80)], { analysis: { templates: [{ templateName: "gate" }] } })], [update, on("paused", "wait"), after(2000, "promote web"), after(4000)], [0.01, 0.3, 0.01]);
scenario("an-background-promoted", "full promotion ends it", [gate([metric({ count: undefined })]), canary([weight(50), forever], { analysis: { templates: [{ templateName: "gate" }] } })], [update, on("paused", "promote web --full"), done], [0.01]);
scenario("an-background-aborted", "an abort ends it, a retry asks anew", [gate([metric({ count: undefined })]), canary([weight(50), forever], { analysis: { templates: [{ templateName: "gate" }] } })], [update, on("paused", "abort web"), on("degraded", "retry rollout web"), on("paused", "promote web"), done], [0.01]);
scenario("an-background-finished", "one that ends by itself", [gate([metric({ count: 1 })]), canary([weight(50), pause("2s"), weight(80)], { analysis: { templates: [{ templateName: "gate" }] } })], [update, done], [0.01]);
scenario("an-background-third", "another version ends it", [gate([metric({ count: undefined })]), canary([weight(50), forever], { analysis: { templates: [{ templateName: "gate" }] } })], [update, on("paused", image(3)), on("paused", "promote web"), done], [0.01]);
scenario("an-promote-step", "promote skips an analysis that runs", [...step([metric({ count: 20 })])], [update, after(1500, "promote web"), done], [0.01]);
scenario("an-abort-step", "abort while it is asked", [...step([metric({ count: 20 })])], [update, after(1800, "abort web"), on("degraded", "wait"), after(800, "retry rollout web"), after(2500)], [0.01]);
scenario("an-pause-step", "paused by hand while it is asked", [...step([metric({ count: 3 })])], [update, after(1300, "pause web"), after(3000, "promote web"), done], [0.01]);
scenario("an-inconclusive-promote", "promoted although it could not tell", [...step([metric({ failureCondition: "result[0] > 0.5" })])], [update, on("paused", "promote web"), done], [0.3]);
scenario("an-inconclusive-abort", "aborted as it could not tell", [...step([metric({ failureCondition: "result[0] > 0.5" })])], [update, on("paused", "abort web"), on("degraded", "retry rollout web"), after(2500)], [0.3, 0.01]);
scenario("an-inconclusive-limit", "one answer in doubt is allowed", [...step([metric({ failureCondition: "result[0] > 0.5", inconclusiveLimit: 1, count: 3 })])], [update, done], [0.3, 0.01]);
scenario("an-failure-limit-off", "failures without limit", [...step([metric({ failureLimit: -1, count: 3 })])], [update, done], [0.9, 0.9, 0.01]);
scenario("an-failure-condition", "only a failure condition", [...step([metric({ successCondition: undefined, failureCondition: "result[0] >= 0.5", count: 2 })])], [update, done], [0.01]);
scenario("an-both-hold", "both conditions hold", [...step([metric({ failureCondition: "result[0] < 0.05" })])], [update, on("degraded", "wait"), after(1000)], [0.01]);
scenario("an-consecutive-errors", "errors in a row", [...step([metric({ consecutiveErrorLimit: 1, count: 5 })])], [update, on("degraded", "wait"), after(1000)], ["http500"]);
scenario("an-consecutive-success", "three good ones in a row suffice", [...step([metric({ consecutiveSuccessLimit: 2, count: 10, failureLimit: 5 })])], [update, done], [0.01, 0.9, 0.01]);
scenario("an-condition-error", "a condition that is no expression", [...step([metric({ successCondition: "result[0 <" })])], [update, on("degraded", "wait"), after(500)], [0.01]);
scenario("an-condition-index", "a condition beyond the vector", [...step([metric({ successCondition: "result[3] < 1", consecutiveErrorLimit: 0 })])], [update, on("degraded", "wait"), after(500)], [0.01]);
scenario("an-condition-default", "default() and isNaN", [...step([metric({ successCondition: "len(result) == 0 || isNaN(result[0]) || default(result[0], 0) < 1" })])], [update, done], ["nan"]);
scenario("an-initial-delay", "two delays", [...step([metric({ name: "a", initialDelay: "1s" }), metric({ name: "b", initialDelay: "2s", count: 2 })])], [update, done], [0.01]);
scenario("an-no-interval", "three times without an interval", [...step([metric({ interval: undefined, count: 1 })])], [update, done], [0.01]);
scenario("an-retention", "two measurements are kept", [gate([metric({ count: 4 })], { measurementRetention: [{ metricName: "errors", limit: 2 }] }), canary([weight(50), analysis("gate")])], [update, done], [0.01]);
scenario("an-dry-run-all", "a dry run beside a real one", [gate([metric({ name: "a", count: 2 }), metric({ name: "b", successCondition: "result[0] > 5" })], { dryRun: [{ metricName: "b" }] }), canary([weight(50), analysis("gate")])], [update, done], [0.01]);
scenario("an-dry-run-rollout", "a dry run that the Rollout asks for", [...step([metric({ name: "a" }), metric({ name: "b", successCondition: "result[0] > 5" })], {}, { dryRun: [{ metricName: "b" }] })], [update, done], [0.01]);
scenario("an-dry-run-pattern", "dry runs by pattern", [gate([metric({ name: "aa" }), metric({ name: "ab", successCondition: "result[0] > 5" })], { dryRun: [{ metricName: "a.*" }] }), canary([weight(50), analysis("gate")])], [update, done], [0.01]);
scenario("an-templates", "two templates in one run", [gate([metric({ name: "a" })]), gate([metric({ name: "b" })], {}, "other"), canary([weight(50), analysis("gate", "other")])], [update, done], [0.01]);
scenario("an-cluster", "a template of the cluster", [gate([metric({ name: "a" })], {}, "gate-cluster", "ClusterAnalysisTemplate"), canary([weight(50), { analysis: { templates: [{ templateName: "gate-cluster", clusterScope: true }] } }])], [update, done], [0.01]);
scenario("an-nested", "a template of templates", [gate([metric({ name: "a" })]), { apiVersion: "argoproj.io/v1alpha1", kind: "AnalysisTemplate", metadata: { name: "all" }, spec: { templates: [{ templateName: "gate" }] } }, canary([weight(50), analysis("all")])], [update, done], [0.01]);
scenario("an-args", "arguments of all kinds", [gate([metric({ provider: query('errors{a="{{args.a}}",b="{{ args.b }}",c="{{args.c}}",d="{{args.d}}",e="{{args.e}}"}'), count: "{{args.n}}" })], { args: [{ name: "a" }, { name: "b", value: "own" }, { name: "c" }, { name: "d" }, { name: "e" }, { name: "n", value: "2" }] }), canary([weight(50), { analysis: { templates: [{ templateName: "gate" }], args: [{ name: "a", value: "given" }, { name: "c", valueFrom: { podTemplateHashValue: "Stable" } }, { name: "d", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }, { name: "e", valueFrom: { fieldRef: { fieldPath: "spec.replicas" } } }, { name: "not-declared", value: "x" }] } }])], [update, done], [0.01]);
scenario("an-secret", "an argument from a Secret", [{ apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { token: "errors-s3cret" } }, gate([metric({ provider: query('{{args.token}}{x="1"}') })], { args: [{ name: "token", valueFrom: { secretKeyRef: { name: "key", key: "token" } } }] }), canary([weight(50), analysis("gate")])], [update, done], [0.01]);
scenario("an-secret-missing", "a Secret that is not there", [gate([metric({ provider: query('{{args.token}}{x="1"}') })], { args: [{ name: "token", valueFrom: { secretKeyRef: { name: "key", key: "token" } } }] }), canary([weight(50), analysis("gate")])], [update, on("degraded", "wait"), after(500)], [0.01]);
scenario("an-run-metadata", "labels of the run", [gate([metric()]), canary([weight(50), { analysis: { templates: [{ templateName: "gate" }], analysisRunMetadata: { labels: { team: "x" }, annotations: { note: "y" } } } }])], [update, done], [0.01]);
scenario("an-history", "old runs go", [gate([metric()]), canary([analysis("gate"), analysis("gate"), analysis("gate"), analysis("gate")], {}, { analysis: { successfulRunHistoryLimit: 1, unsuccessfulRunHistoryLimit: 1 } })], [update, done, after(500)], [0.01]);
scenario("an-history-failed", "old failed runs go", [gate([metric()]), canary([weight(50), analysis("gate")], {}, { analysis: { unsuccessfulRunHistoryLimit: 1 } })], [update, on("degraded", "retry rollout web"), on("degraded", "wait"), after(500, "retry rollout web"), on("degraded", "wait"), after(500)], [0.9]);
scenario("an-job-fails", "a Job that fails", [gate([{ name: "check", provider: { job: { spec: { backoffLimit: 0, template: { spec: { nodeName: "n1", restartPolicy: "Never", containers: [{ name: "c", image: "job:fail" }] } } } } } }]), canary([weight(50), analysis("gate")])], [update, on("degraded", "wait"), after(500)]);
scenario("an-job-twice", "a Job, twice", [gate([{ name: "check", count: 2, interval: "1s", provider: { job: { spec: { backoffLimit: 0, template: { spec: { nodeName: "n1", restartPolicy: "Never", containers: [{ name: "c", image: "job:ok" }] } } } } } }]), canary([weight(50), analysis("gate")])], [update, done, after(500)]);
scenario("an-web", "web answers of all kinds", [gate([{ name: "n", provider: { web: { url: "http://prometheus/errors", jsonPath: "{$.n}" } }, successCondition: "result > 2" }, { name: "list", provider: { web: { url: "http://prometheus/errors", jsonPath: "{$.list}" } }, successCondition: "len(result) == 2" }, { name: "whole", provider: { web: { url: "http://prometheus/errors" } }, successCondition: 'result.text == "a"' }]), canary([weight(50), analysis("gate")])], [update, done], [{ n: 3, list: [1, "b"], text: "a", nested: { b: 1, a: 2.5 } }]);
scenario("an-web-missing", "a web answer without the field", [gate([{ name: "n", consecutiveErrorLimit: 0, provider: { web: { url: "http://prometheus/errors", jsonPath: "{$.none}" } }, successCondition: "result > 2" }]), canary([weight(50), analysis("gate")])], [update, on("degraded", "wait"), after(300)], [{ n: 3 }]);
scenario("an-web-500", "a web answer that is an error", [gate([{ name: "n", consecutiveErrorLimit: 0, provider: { web: { url: "http://prometheus/errors", jsonPath: "{$.n}" } }, successCondition: "result > 2" }]), canary([weight(50), analysis("gate")])], [update, on("degraded", "wait"), after(300)], ["http500"]);
scenario("an-scalar", "a scalar", [...step([metric({ successCondition: "result < 0.05" })])], [update, done], [{ scalar: 0.01 }]);
scenario("an-values", "numbers as Prometheus writes them", [...step([metric({ count: 5, successCondition: "true" })])], [update, done], [1e21, 0.1, -0, 123456789.125, 1e-7]);
scenario("an-no-provider", "no provider at all", [...step([{ name: "errors", provider: {} }])], [after(1000)]);
scenario("an-deleted-template", "two metrics, one fails, the other is ended", [...step([metric({ name: "a", count: 10 }), metric({ name: "b", successCondition: "result[0] > 5" })])], [update, on("degraded", "wait"), after(1000)], [0.01]);
scenario("an-two-inconclusive", "inconclusive and failed", [...step([metric({ name: "a", failureCondition: "result[0] > 0.5", successCondition: "result[0] < 0" }), metric({ name: "b", successCondition: "result[0] > 5", count: 2 })])], [update, on("degraded", "wait"), after(1000)], [0.01]);

for (const [name, over] of [
  ["interval", { interval: "often" }],
  ["limit", { count: 2, failureLimit: 3 }],
  ["no-interval", { count: 2, interval: undefined }],
  ["negative", { inconclusiveLimit: -1 }],
  ["no-provider", { provider: {} }],
  ["delay", { initialDelay: "soon" }],
  ["two-providers", { provider: { ...query(), web: { url: "http://prometheus/errors" } } }],
  ["dry-rule", {}],
] as const)
  scenario(
    `an-invalid-${name}`,
    "what a run with an invalid metric says",
    step([metric(over)], name === "dry-rule" ? { dryRun: [{ metricName: "none" }] } : {}),
    [update, on("degraded", "wait"), after(300)],
    [0.01],
  );
scenario("bg-abort-retry-at-once", "aborted and retried while its pods are still there", [active, preview, blueGreen({ previewService: "preview", autoPromotionEnabled: false })], [update, on("paused", "abort web"), on("degraded", "retry rollout web"), after(2500)]);

// Refused.
const refused = (name: string, ...objects: Json[]) => scenario(`refused-${name}`, "what an invalid Rollout is told", objects);
refused("weight-negative", canary([weight(-1)]));
refused("two-kinds", canary([{ setWeight: 10, pause: {} }]));
refused("pause-unparsable", canary([pause("soon")]));
refused("replicas-negative", canary(undefined, {}, { replicas: -1 }));
refused("min-ready-negative", canary(undefined, {}, { minReadySeconds: -1 }));
refused("history-negative", canary(undefined, {}, { revisionHistoryLimit: -1 }));
refused("deadline-negative", canary(undefined, {}, { progressDeadlineSeconds: -1 }));
refused("same-services", service("a"), canary(undefined, { canaryService: "a", stableService: "a" }));
refused("same-bg-services", active, blueGreen({ previewService: "active" }));
refused("bg-history", active, blueGreen({ scaleDownDelayRevisionLimit: 5 }, { revisionHistoryLimit: 2 }));
refused("delay-basic", canary(undefined, { scaleDownDelaySeconds: 5 }));
refused("dynamic-basic", canary(undefined, { dynamicStableScale: true }));
refused("header-route", canary([{ setHeaderRoute: { name: "x", match: [{ headerName: "a", headerValue: { exact: "b" } }] } }]));
refused("mirror-route", canary([{ setMirrorRoute: { name: "x", percentage: 5 } }]));
refused("anti-affinity", canary(undefined, { antiAffinity: {} }));
refused("anti-affinity-weight", canary(undefined, { antiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: { weight: 200 } } }));
refused("empty-selector", canary(undefined, {}, { selector: {} }));
refused("bad-selector", canary(undefined, {}, { selector: { matchExpressions: [{ key: "app", operator: "Maybe", values: ["a"] }] } }));
refused("no-template", canary(undefined, {}, { template: undefined }));
refused("no-containers", canary(undefined, {}, { template: { metadata: { labels: { app: "web" } }, spec: {} } }));
refused("bad-template", canary(undefined, {}, { template: template(1, { spec: { containers: [{ name: "Web!", image: "web:1", ports: [{ containerPort: 99999 }] }] } }) }));
refused("no-image", canary(undefined, {}, { template: template(1, { spec: { containers: [{ name: "web" }] } }) }));
refused("restart-policy", canary(undefined, {}, { template: template(1, { spec: { restartPolicy: "Never", containers: [{ name: "web", image: "web:1" }] } }) }));
refused("surge-negative", canary(undefined, { maxSurge: -1 }));
refused("unavailable-too-much", canary(undefined, { maxSurge: 1, maxUnavailable: "150%" }));
refused("service-selector", service("a", { app: "other" }), canary(undefined, { stableService: "a" }));
refused("service-owned", { ...active, metadata: { name: "active", annotations: { "argo-rollouts.argoproj.io/managed-by-rollouts": "other" } } }, blueGreen());
refused("arg-both", gate([metric()], { args: [{ name: "x" }] }), canary([{ analysis: { templates: [{ templateName: "gate" }], args: [{ name: "x", value: "1", valueFrom: { podTemplateHashValue: "Latest" } }] } }]));
refused("arg-field", gate([metric()], { args: [{ name: "x" }] }), canary([{ analysis: { templates: [{ templateName: "gate" }], args: [{ name: "x", valueFrom: { fieldRef: { fieldPath: "spec.nothing" } } }] } }]));
refused("arg-conflict", gate([metric({ name: "a" })], { args: [{ name: "x", value: "1" }] }), gate([metric({ name: "b" })], { args: [{ name: "x", value: "2" }] }, "other"), canary([analysis("gate", "other")]));
refused("metric-twice", gate([metric()]), gate([metric()], {}, "other"), canary([analysis("gate", "other")]));
refused("metric-endless", gate([metric({ count: undefined })]), canary([analysis("gate")]));
refused("metric-interval", gate([metric({ interval: "often" })]), canary([analysis("gate")]));
refused("metric-limit", gate([metric({ count: 2, failureLimit: 3 })]), canary([analysis("gate")]));
refused("metric-no-interval", gate([metric({ count: 2, interval: undefined })]), canary([analysis("gate")]));
refused("metric-negative", gate([metric({ inconclusiveLimit: -1 })]), canary([analysis("gate")]));
refused("metric-unknown-arg", gate([metric({ provider: query("{{args.none}}") })]), canary([analysis("gate")]));
refused("background-missing-arg", gate([metric({ count: undefined })], { args: [{ name: "x" }] }), canary([weight(50)], { analysis: { templates: [{ templateName: "gate" }] } }));
refused("background-missing", canary([weight(50)], { analysis: { templates: [{ templateName: "gate" }] } }));
refused("cluster-missing", canary([{ analysis: { templates: [{ templateName: "none", clusterScope: true }] } }]));
refused("dry-run-twice", gate([metric()], { dryRun: [{ metricName: "errors" }] }), canary([{ analysis: { templates: [{ templateName: "gate" }], dryRun: [{ metricName: "errors" }] } }]));
refused("pre-missing", active, blueGreen({ prePromotionAnalysis: analysis("gate")["analysis"] }));
refused("post-missing", active, blueGreen({ postPromotionAnalysis: analysis("gate")["analysis"] }));
scenario("refused-then-mended", "an invalid spec, mended", [canary([weight(500)])], [on("degraded", patch({ strategy: { canary: { steps: [weight(50), pause(1)] } } })), on("healthy", image(2)), done]);
scenario("refused-midway", "an invalid spec in the middle", [canary([weight(50), forever])], [update, on("paused", patch({ strategy: { canary: { steps: [weight(500)] } } })), on("degraded", "wait"), after(700, patch({ strategy: { canary: { steps: [weight(50), forever] } } })), after(1500, "promote web"), done]);
scenario("selector-immutable", "the selector cannot change", [canary(undefined)], [on("healthy", patch({ selector: { matchLabels: { app: "other" } } })), after(500)]);

export const scenarios: readonly ScenarioInput[] = [...list, ...combinations];
