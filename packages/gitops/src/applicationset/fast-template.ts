/** Fills `{{ name }}` in; what is not known stays as it is written. Blanks inside the braces do not count. */
export function fillFastTemplate(text: string, params: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{([^{}]*)\}\}/g, (whole, name: string) => {
    const key = name.trim();
    return (Object.hasOwn(params, key) ? params[key] : undefined) ?? whole;
  });
}
