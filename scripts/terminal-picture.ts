// Draws what a terminal shows as an SVG, for the README: reads text with ANSI colours from standard input; its title is the
// argument.
//
//   tmux capture-pane -e -p | node scripts/node24.js scripts/terminal-picture.ts "The main job" > docs/main-job.svg
import { readFileSync } from "node:fs";

const cell = { width: 8.4, height: 18 };
const margin = 16;
const foreground: Record<string, string> = {
  31: "#f07178",
  32: "#9ece6a",
  33: "#e0af68",
  34: "#7aa2f7",
  36: "#7dcfff",
  90: "#7a8296",
};

const lines = readFileSync(0, "utf8").trimEnd().split("\n");
const columns = Math.max(...lines.map((line) => [...plain(line)].length));
const width = Math.ceil(columns * cell.width + 2 * margin);
const height = lines.length * cell.height + 2 * margin;

console.log(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escaped(process.argv[2] ?? "A terminal")}</title>
<rect width="100%" height="100%" rx="8" fill="#1a1b26"/>
<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#c0caf5">`);
for (const [index, line] of lines.entries()) {
  if (plain(line).trim() === "") continue;
  const y = margin + (index + 0.75) * cell.height;
  console.log(`<text x="${margin}" y="${y}">${spans(line)}</text>`);
}
console.log("</g>\n</svg>");

function plain(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return line.replace(/\u001b\[[0-9;]*m/g, "");
}

/** The line's pieces of one look each. */
function spans(line: string): string {
  let style = "";
  let text = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  for (const piece of line.split(/(\u001b\[[0-9;]*m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    const codes = /^\u001b\[([0-9;]*)m$/.exec(piece);
    if (codes === null) {
      if (piece !== "") text += style === "" ? escaped(piece) : `<tspan${style}>${escaped(piece)}</tspan>`;
      continue;
    }
    for (const code of (codes[1] ?? "0").split(";")) {
      const colour = foreground[code];
      if (code === "1") style += ' font-weight="bold"';
      else if (code === "2") style += ' fill-opacity="0.6"';
      else if (colour !== undefined) style += ` fill="${colour}"`;
      else if (code === "" || code === "0" || code === "39" || code === "22") style = "";
    }
  }
  return text;
}

/** Blanks become such as do not collapse: columns must stay columns in every viewer. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(" ", "\u00a0");
}
