import type { Painter as RolloutPainter, Tone } from "@tracegate/rollouts";
import { createColors } from "picocolors";

/** Colours by meaning. */
export interface Painter {
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

export function painter(colour: boolean): Painter {
  const { green, red, yellow, dim, bold } = createColors(colour);
  return { good: green, bad: red, warn: yellow, dim, bold };
}

/** The colours of a Rollout's tree. */
export function rolloutPainter(colour: boolean): RolloutPainter {
  const { green, red, yellow, cyan, dim, bold } = createColors(colour);
  const tones: Record<Tone, (text: string) => string> = {
    good: green,
    bad: red,
    warning: yellow,
    progress: cyan,
    paused: yellow,
    quiet: dim,
    heading: dim,
    current: bold,
  };
  return (tone, text) => tones[tone](text);
}
