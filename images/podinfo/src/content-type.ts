/**
 * The type that Go's server gives to bodies whose handler names none, by their first 512 bytes
 * (the WHATWG's MIME sniffing, with Go's table but for fonts, audio and video).
 */
export function contentTypeOf(body: Buffer): string {
  const start = body.subarray(0, 512);
  const text = start.toString("latin1");
  const unspaced = text.replace(/^[\t\n\f\r ]+/, "");
  if (htmlStart.test(unspaced)) return "text/html; charset=utf-8";
  if (unspaced.startsWith("<?xml")) return "text/xml; charset=utf-8";
  for (const [prefix, type] of signatures) if (text.startsWith(prefix)) return type;
  if (/^RIFF[\s\S]{4}WEBPVP/.test(text)) return "image/webp";
  return start.some(isBinary) ? "application/octet-stream" : "text/plain; charset=utf-8";
}

const tags = "!--|!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P";
/** A tag counts where a space or the tag's end follows. */
const htmlStart = new RegExp(`^<(?:${tags})[ >]`, "i");

const signatures: readonly (readonly [string, string])[] = [
  ["%PDF-", "application/pdf"],
  ["%!PS-Adobe-", "application/postscript"],
  ["\xfe\xff", "text/plain; charset=utf-16be"],
  ["\xff\xfe", "text/plain; charset=utf-16le"],
  ["\xef\xbb\xbf", "text/plain; charset=utf-8"],
  ["\x00\x00\x01\x00", "image/x-icon"],
  ["\x00\x00\x02\x00", "image/x-icon"],
  ["BM", "image/bmp"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["\x1f\x8b\b", "application/x-gzip"],
  ["PK\x03\x04", "application/zip"],
  ["Rar!\x1a\x07\x00", "application/x-rar-compressed"],
  ["\x00asm", "application/wasm"],
];

/** Control characters that texts do not hold: not tab, line feed, form feed, carriage return, escape. */
function isBinary(byte: number): boolean {
  return byte <= 8 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f);
}
