/** XML 1.0 2.2, 2.4: text of strangers made fit for a document, and for people to read. The only place that escapes. */

/** Longest name written, in code points. */
export const longestName = 128;
/** Longest subject or other line for people, in code points. */
export const longestLine = 512;

const plain = /^[\x20-\x7e]*$/;
/** Printable ASCII that needs no escaping: nearly every text. */
const harmless = /^[ !#-%'-;=?-~]*$/;
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const whitespace = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
// Control characters (C0 and C1), the two code points that XML forbids in the BMP, and surrogates without a partner.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|\p{Cs}/gu;
const replacement = '\ufffd';

const directional = /[\u202a-\u202e\u2066-\u2069]/;
const isolateOpeners = new Set(['\u2066', '\u2067', '\u2068']);
const firstStrongIsolate = '\u2068';
const popIsolate = '\u2069';

/** Keeps direction controls from reaching beyond the text (Unicode UAX 9): isolates inside are balanced, the whole is one isolate. */
function isolated(text: string): string {
  let open = 0;
  let kept = '';
  for (const character of text) {
    if (isolateOpeners.has(character)) open += 1;
    if (character === popIsolate) {
      if (open === 0) continue;
      open -= 1;
    }
    kept += character;
  }
  return firstStrongIsolate + kept + popIsolate.repeat(open + 1);
}

/** The first `limit` UTF-16 units at most, never half a character. */
export function clipped(text: string, limit: number): string {
  const cut = text.slice(0, limit);
  return cut.length < text.length && /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** At most `limit` code points; what was cut off shows as an ellipsis. */
function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Twice the limit in UTF-16 units holds at least `limit` code points: a text of any length costs no more.
  const points = [...text.slice(0, 2 * limit + 2)];
  return points.length <= limit ? text : `${points.slice(0, limit - 1).join('')}…`;
}

/** Letters, digits or signs somebody can see: not only spaces, controls, format characters and fillers. */
const visible = /[^\s\p{Z}\p{C}\p{M}\u115f\u1160\u2800\u3164\uffa0]/u;

/**
 * One line that people can read: legal characters, no line breaks, direction controls isolated, not longer than `limit` code points.
 * Null when nothing visible is left, so that the caller must find a name.
 */
export function readableLine(text: string | null, limit: number): string | null {
  if (text === null) return null;
  const bounded = shortened(text, 4 * limit);
  const line = plain.test(bounded) ? bounded : bounded.replace(whitespace, ' ').replace(illegal, replacement);
  const cut = shortened(line.trim(), limit);
  if (!visible.test(cut)) return null;
  return directional.test(cut) ? isolated(cut) : cut;
}

/** Text as it stands in element content or between double quotes: escaped, illegal characters replaced. */
export function escapeXml(text: string): string {
  if (harmless.test(text)) return text;
  const legal = text.replace(illegal, replacement);
  return legal.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

/** An element with text in it; nothing for null. */
export const textElement = (name: string, text: string | null): string =>
  text === null ? '' : `<${name}>${escapeXml(text)}</${name}>`;

/** Writes elements of one name; made once, it writes quicker than `textElement`. Nothing for null. */
export function elementWriter(name: string): (text: string | null) => string {
  const start = `<${name}>`;
  const end = `</${name}>`;
  return (text) => (text === null ? '' : start + escapeXml(text) + end);
}

const outsideUri = /[^A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})/gu;
const encoder = new TextEncoder();

const percentOf = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/** Percent-encoded UTF-8 of one code point; a lone surrogate gets the three bytes it would have, so that no two texts become one. */
export function percentEncoded(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point >= 0xd800 && point <= 0xdfff) {
    return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)].map(percentOf).join('');
  }
  return [...encoder.encode(character)].map(percentOf).join('');
}

const bracketedHost = /^([a-z]+:(?:[^@[\]]*@)?)(\[[0-9a-fA-F:.]+\])(.*)$/;

/** RFC 3986: a URI whose characters outside the URI alphabet are percent-encoded (xs:anyURI, compared byte by byte: RFC 4575 4.5). */
export function uriText(uri: string): string {
  const [, before, host, after] = bracketedHost.exec(uri) ?? [];
  if (before !== undefined && host !== undefined && after !== undefined) {
    return uriText(before) + host + uriText(after);
  }
  return uri.replace(outsideUri, percentEncoded);
}

const ascii = /^[\0-\x7f]*$/;

/** Length in UTF-8; a lone surrogate counts as the replacement character that it becomes. */
export function utf8Length(text: string): number {
  if (ascii.test(text)) return text.length;
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    const next = text.charCodeAt(index + 1);
    if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) index += 1;
  }
  return length;
}
