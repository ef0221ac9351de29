/** The page that browsers get: its colour and message tell releases apart. */
export function page(shown: {
  readonly color: string;
  readonly message: string;
  readonly version: string;
  readonly hostname: string;
}): string {
  const { color, message, version, hostname } = shown;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(hostname)}</title></head>
<body style="background: ${escaped(color)}; color: white; font: 1.2em sans-serif; text-align: center; padding-top: 20vh">
<h1>${escaped(message)}</h1>
<p>podinfo ${escaped(version)} on ${escaped(hostname)}</p>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
