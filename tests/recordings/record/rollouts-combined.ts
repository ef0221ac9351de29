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

// Scenarios of Argo Rollouts in which several features meet.

const { list, scenario } = scenarioList();
const proof = analysis("gate")["analysis"];
const background = (over = {}) => ({ analysis: { templates: [{ templateName: "gate" }], ...over } });
const doubtful = metric({ failureCondition: "result[0] > 0.5" });
const isBad = [0.9];

// Blue-green.
const manual = { previewService: "preview", autoPromotionEnabled: false };
scenario("mix-bg-scale-in-proof", "blue-green, scaled while it is proven", [gate([metric({ count: 3 })]), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: proof })], [update, after(1300, patch({ replicas: 4 })), done], [0.01]);
scenario("mix-bg-abort-in-proof", "blue-green, aborted while it is proven", [gate([metric({ count: 10 })]), active, preview, blueGreen({ ...manual, prePromotionAnalysis: proof, abortScaleDownDelaySeconds: 1 })], [update, after(1600, "abort web"), on("degraded", "wait"), after(2600)], [0.01]);
scenario("mix-bg-abort-after-switch", "blue-green, aborted while it is proven after the switch", [gate([metric({ count: 10 })]), active, preview, blueGreen({ previewService: "preview", postPromotionAnalysis: proof, abortScaleDownDelaySeconds: 1 })], [update, after(1900, "abort web"), on("degraded", "wait"), after(2600)], [0.01]);
scenario("mix-bg-post-fails-scaled", "failed after the switch, then scaled", [gate([metric()]), active, preview, blueGreen({ previewService: "preview", postPromotionAnalysis: proof })], [update, on("degraded", "wait"), after(600, patch({ replicas: 3 })), after(1500)], isBad);
scenario("mix-bg-fails-next-version", "failed before the switch, then a good version", [gate([metric()]), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: proof })], [update, on("degraded", image(3)), done], [0.9, 0.01]);
scenario("mix-bg-aborted-back", "aborted, then back to the version that is stable", [active, preview, blueGreen(manual)], [update, on("paused", "abort web"), on("degraded", image(1)), done, after(500)]);
scenario("mix-bg-both-proofs", "proven before and after the switch, with a pause", [gate([metric({ count: 2 })]), active, preview, blueGreen({ ...manual, prePromotionAnalysis: proof, postPromotionAnalysis: proof })], [update, on("paused", "promote web"), done], [0.01]);
scenario("mix-bg-preview-count-proof", "a small preview is proven, then a person", [gate([metric()]), active, preview, blueGreen({ ...manual, previewReplicaCount: 1, prePromotionAnalysis: proof }, { replicas: 3 })], [update, on("paused", "promote web"), done], [0.01]);
scenario("mix-bg-preview-count-scaled", "scaled while a small preview waits", [active, preview, blueGreen({ ...manual, previewReplicaCount: 1 }, { replicas: 3 })], [update, on("paused", patch({ replicas: 5 })), after(1200, "promote web"), done]);
scenario("mix-bg-scale-old", "the version that waits to go follows the size", [active, blueGreen({ scaleDownDelaySeconds: 20 })], [update, on("done", patch({ replicas: 4 })), done, after(600, patch({ replicas: 1 })), done, after(600)]);
scenario("mix-bg-third-in-delay", "a third version while the first waits to go", [active, preview, blueGreen({ previewService: "preview", scaleDownDelaySeconds: 3 })], [update, on("done", image(3)), done, after(4500)]);
scenario("mix-bg-undo", "undo after the switch", [active, preview, blueGreen({ previewService: "preview", scaleDownDelaySeconds: 1 })], [update, done, after(2500, "undo web"), done]);
scenario("mix-bg-auto-later", "switched on by hand while paused", [active, preview, blueGreen(manual)], [update, on("paused", patch({ strategy: { blueGreen: { autoPromotionEnabled: true } } })), done]);
scenario("mix-bg-slow-pause", "paused by hand while the preview starts", [active, preview, blueGreen({ previewService: "preview" })], [on("healthy", image("web:2-slow")), after(1000, "pause web"), after(5000, "promote web"), done]);
scenario("mix-bg-min-ready", "blue-green, available after a second", [active, preview, blueGreen({ previewService: "preview", autoPromotionSeconds: 1 }, { minReadySeconds: 1 })], [update, done]);
scenario("mix-bg-unavailable", "a restart that may take all", [active, blueGreen({ maxUnavailable: "100%" }, { replicas: 3 })], [on("healthy", "restart web"), after(2500)]);
scenario("mix-bg-dry-run", "a dry run before the switch", [gate([metric({ count: 2 })], { dryRun: [{ metricName: "errors" }] }), active, preview, blueGreen({ previewService: "preview", prePromotionAnalysis: proof })], [update, done], isBad);
scenario("mix-bg-preview-dropped", "no preview Service any more", [active, preview, blueGreen(manual)], [update, on("paused", patch({ strategy: { blueGreen: { previewService: null } } })), after(700, "promote web"), done]);

// Canaries.
scenario("mix-ready-unavailable", "minReadySeconds, and pods that may be missing", [canary([weight(25), pause(1), weight(75)], { maxSurge: 1, maxUnavailable: 2 }, { replicas: 4, minReadySeconds: 1 })], [update, done]);
scenario("mix-percent-large", "percentages of seven", [canary([weight(15), pause(1), weight(85), pause(1)], { maxSurge: "30%", maxUnavailable: "15%" }, { replicas: 7 })], [update, done]);
scenario("mix-shrink-in-weight", "fewer pods while the canary grows", [canary([weight(60), forever], { maxSurge: 2 }, { replicas: 5 })], [update, on("paused", patch({ replicas: 2 })), after(1500, patch({ replicas: 6 })), after(1500, "promote web"), done]);
scenario("mix-three-versions-scaled", "a third version of another size while paused", [canary([weight(40), forever], {}, { replicas: 5 })], [update, on("paused", patch({ replicas: 3, template: template(3) })), on("paused", "promote web"), done]);
scenario("mix-abort-scale-retry", "scaled after an abort, then retried", [canary([weight(50), forever], {}, { replicas: 4 })], [update, on("paused", "abort web"), on("degraded", patch({ replicas: 2 })), after(1300, "retry rollout web"), on("paused", "promote web"), done]);
scenario("mix-undo-aborted", "undo of what was aborted", [canary([weight(50), forever])], [update, on("paused", "abort web"), on("degraded", "undo web"), done]);
scenario("mix-undo-revision-aborted", "undo to the first of three while the third is aborted", [canary([weight(50), forever])], [update, on("paused", "promote web"), on("done", image(3)), on("paused", "abort web"), on("degraded", "undo web --to-revision=1"), on("paused", "promote web"), done]);
scenario("mix-restart-aborted", "restart of what was aborted", [canary([weight(50), forever], {}, { replicas: 3 })], [update, on("paused", "abort web"), on("degraded", "restart web"), after(3000)]);
scenario("mix-deadline-abort-next", "a deadline that aborts, then a good version", [canary([weight(50), pause(1)], {}, { progressDeadlineSeconds: 2, progressDeadlineAbort: true })], [on("healthy", image("web:2-never")), on("degraded", image(3)), done]);
scenario("mix-deadline-retry", "retried after the deadline aborted it", [canary([weight(50), pause(1)], {}, { progressDeadlineSeconds: 2, progressDeadlineAbort: true })], [on("healthy", image("web:2-never")), on("degraded", "retry rollout web"), after(600), on("degraded", "wait")]);
scenario("mix-window-aborted", "back within the window after an abort", [canary([weight(50), pause(1)], {}, { rollbackWindow: { revisions: 2 } })], [update, { waited: "done", after: 900, do: image(3) }, after(900, "abort web"), on("degraded", image(1)), done]);
scenario("mix-pause-minutes", "durations in minutes and parts", [canary([weight(50), pause("0.03m"), pause("1s500ms"), pause("0h0m1s")])], [update, done]);
scenario("mix-steps-shorter", "fewer steps than were done", [canary([weight(20), pause(1), weight(60), forever, weight(90)], {}, { replicas: 5 })], [update, on("paused", "wait"), on("step 3", patch({ strategy: { canary: { steps: [weight(50)] } } })), done]);
scenario("mix-metadata-abort", "labels of canary and stable through an abort", [canary([weight(50), forever], { canaryMetadata: { labels: { role: "canary" }, annotations: { note: "c" } }, stableMetadata: { labels: { role: "stable" } } })], [update, on("paused", "abort web"), on("degraded", "retry rollout web"), on("paused", "promote web"), done]);
scenario("mix-services-third", "Services while three versions run", [service("canary"), service("stable"), canary([weight(50), forever], { canaryService: "canary", stableService: "stable" }, { replicas: 4 })], [update, on("paused", image(3)), on("paused", "abort web"), on("degraded", "wait"), after(1500)]);
scenario("mix-image-while-user-paused", "two versions while paused by hand", [canary([weight(50), pause(1)])], [on("healthy", "pause web"), on("paused", image(2)), after(800, image(3)), after(800, "promote web"), done]);
scenario("mix-abort-user-paused", "aborted while paused by hand", [canary([weight(50), forever])], [update, on("paused", "pause web"), after(600, "abort web"), after(900, "promote web"), after(900, "retry rollout web"), on("paused", "promote web"), done]);
scenario("mix-full-user-paused", "full promotion while paused by hand", [canary([weight(50), forever])], [on("healthy", "pause web"), on("paused", image(2)), after(800, "promote web --full"), done]);
scenario("mix-same-image", "the same template once more, in the middle and at the end", [canary([weight(50), forever])], [update, on("paused", image(2)), after(800, "promote web"), on("done", image(2)), after(900)]);

// Analysis.
scenario("mix-an-late-background", "a background analysis from the second step on", [gate([metric({ count: undefined })]), canary([weight(25), pause(1), weight(75), pause("2s")], background({ startingStep: 2 }), { replicas: 4 })], [update, done], [0.01]);
scenario("mix-an-late-fails", "one that fails from the second step on", [gate([metric({ count: undefined })]), canary([weight(25), pause(1), weight(75), pause("3s")], background({ startingStep: 2 }), { replicas: 4 })], [update, on("degraded", "retry rollout web"), after(3000)], [0.01, 0.9]);
scenario("mix-an-background-doubt-abort", "in doubt beside the steps, then aborted", [gate([metric({ failureCondition: "result[0] > 0.5", count: undefined })]), canary([weight(50), pause("20s")], background())], [update, after(2300, "abort web"), on("degraded", "wait"), after(800)], [0.3]);
scenario("mix-an-doubt-then-image", "in doubt, then another version", [gate([doubtful]), canary([weight(50), analysis("gate")])], [update, on("paused", image(3)), done], [0.3, 0.01]);
scenario("mix-an-doubt-full", "in doubt, then promoted in full", [gate([doubtful]), canary([weight(50), analysis("gate"), forever])], [update, on("paused", "promote web --full"), done], [0.3]);
scenario("mix-an-retry-passes", "failed, retried, passed", [gate([metric()]), canary([weight(50), analysis("gate"), weight(80)])], [update, on("degraded", "retry rollout web"), done], [0.9, 0.01]);
scenario("mix-an-fields", "arguments from fields and hashes", [gate([metric({ provider: query('errors{n="{{args.n}}",s="{{args.stable}}",l="{{args.latest}}",m="{{args.label}}"}') })], { args: [{ name: "n" }, { name: "stable" }, { name: "latest" }, { name: "label" }] }), canary([weight(50), { analysis: { templates: [{ templateName: "gate" }], args: [{ name: "n", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }, { name: "stable", valueFrom: { podTemplateHashValue: "Stable" } }, { name: "latest", valueFrom: { podTemplateHashValue: "Latest" } }, { name: "label", valueFrom: { fieldRef: { fieldPath: "spec.template.metadata.labels['app']" } } }] } }])], [update, done], [0.01]);
scenario("mix-an-retention-run", "a run that keeps more than ten", [gate([metric({ count: 3 })]), canary([weight(50), { analysis: { templates: [{ templateName: "gate" }], measurementRetention: [{ metricName: "err.*", limit: 1 }] } }])], [update, done], [0.01]);
scenario("mix-an-step-and-background", "both at once, and the step's fails", [gate([metric({ count: undefined })]), gate([metric({ name: "own", successCondition: "result[0] > 5" })], {}, "own"), canary([weight(50), analysis("own")], background())], [update, on("degraded", "wait"), after(1000)], [0.01]);
scenario("mix-an-scale", "scaled while it is asked", [gate([metric({ count: 3 })]), canary([weight(50), analysis("gate")])], [update, after(1300, patch({ replicas: 5 })), done], [0.01]);
scenario("mix-an-third", "another version while it is asked", [gate([metric({ count: 8 })]), canary([weight(50), analysis("gate")])], [update, after(1800, image(3)), after(1800, "promote web"), done], [0.01]);
scenario("mix-an-ranges", "several results and their limits", [gate([metric({ count: 4, failureLimit: 2, inconclusiveLimit: 1, failureCondition: "result[0] > 0.5" })]), canary([weight(50), analysis("gate")])], [update, done], [0.9, 0.3, 0.9, 0.01]);
scenario("mix-refused-in-proof", "an invalid spec while it is asked", [gate([metric({ count: 4 })]), canary([weight(50), analysis("gate")])], [update, after(1300, patch({ strategy: { canary: { maxSurge: 0, maxUnavailable: 0 } } })), on("degraded", "wait"), after(2500, patch({ strategy: { canary: { maxSurge: 1 } } })), done], [0.01]);

/** What `rollouts.ts` asks for in addition. */
export const combinations: readonly ScenarioInput[] = list;
