/** What the demo writes on the terminal: titles, steps with a check mark, and notes below them. */

const colours = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export const title = (text: string): void => write(`\n${paint(1, text)}`);
export const good = (text: string): void => write(`  ${paint(32, '✓')} ${text}`);
export const bad = (text: string): void => write(`  ${paint(31, '✗')} ${text}`);
export const note = (text: string): void => write(`      ${paint(2, text)}`);
export const plain = (text: string): void => write(`  ${text}`);

/** An XML document over several lines, indented; the documents hold no mixed content. */
export function indented(xml: string): readonly string[] {
  let depth = 0;
  return xml.split(/(?<=>)(?=<)/).map((piece) => {
    const closes = piece.startsWith('</');
    if (closes) depth -= 1;
    const line = `${'  '.repeat(Math.max(0, depth))}${piece}`;
    const opens = !closes && !piece.startsWith('<?') && !piece.endsWith('/>') && !piece.includes('</');
    if (opens) depth += 1;
    return line;
  });
}
