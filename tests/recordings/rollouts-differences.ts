/**
 * Scenarios whose replay does not agree with the recording yet, each with how the first difference begins. A scenario that
 * comes to agree must leave this list: the test says so.
 */
export const differences: Readonly<Record<string, string>> = {
  "analysis-fail-retry": "Event Rollout Normal RolloutCompleted",
  "analysis-web-job": "Rollout/web: the recorded state at 2588 ms never came",
};
