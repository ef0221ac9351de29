// The `Warning` headers of an answer, as apiserver's warning recorder and apimachinery's NewWarningHeader make them.

/** Characters over all texts; beyond it each text is cut. */
const TOTAL_LIMIT = 4096;
/** Characters a text keeps once the total was reached. */
const CUT_TO = 256;

/**
 * `299 - "text"` values, each text once; one with control characters (which no header can carry) is left out. Other characters
 * beyond ASCII go out as UTF-8: each unit of a value stands for one byte, which is what node:http takes.
 */
export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)]
    .filter((text) => text !== "" && !/\p{Cc}/u.test(text))
    .map((text) => [...text]);
  const total = texts.reduce((sum, characters) => sum + characters.length, 0);
  return (total > TOTAL_LIMIT ? cut(texts) : texts).map((characters) => header(characters.join("")));
}

function cut(texts: readonly string[][]): string[][] {
  const kept: string[][] = [];
  let written = 0;
  for (const characters of texts) {
    if (written >= TOTAL_LIMIT) break;
    const text = characters.slice(0, CUT_TO);
    written += text.length;
    kept.push(text);
  }
  return kept;
}

function header(text: string): string {
  const quoted = text.replace(/["\\]/g, "\\$&");
  return Buffer.from(`299 - "${quoted}"`, "utf8").toString("latin1");
}
