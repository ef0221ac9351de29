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
