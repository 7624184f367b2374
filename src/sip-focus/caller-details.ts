/** RFC 3261 20.3 and 20.10, RFC 4579 5.2: what a request says of its sender beside who they are. Unproved. Pure. */
import { uriText } from '../conference-info/xml-text.ts';
import { uriOfHeader } from '../identity/aor.ts';

/** Nobody reads more languages in a roster. */
const mostLanguages = 8;
const languageTag = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,6}$/;

/** Language tags of an Accept-Language value, best first. */
export function languagesOf(acceptLanguage: string | null): readonly string[] {
  const ranges = (acceptLanguage ?? '').slice(0, 1024).split(',').map(readRange);
  const wanted = ranges.filter(({ tag, quality }) => quality > 0 && languageTag.test(tag));
  const best = wanted.sort((a, b) => b.quality - a.quality).map(({ tag }) => tag);
  return [...new Set(best)].slice(0, mostLanguages);
}

function readRange(range: string): { tag: string; quality: number } {
  const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
  const quality = parameters.map((each) => /^q\s*=\s*([01](?:\.\d{0,3})?)$/i.exec(each)?.[1]);
  return { tag, quality: Number(quality.find((each) => each !== undefined) ?? 1) };
}

/** Every watcher is sent it with each change of the call. */
const longestAddress = 256;

/**
 * RFC 4575 5.7: the address of a Contact as a URI without password and parameters, which may tell more than an address; those of the
 * user part belong to it. Null when there is none, or none that anybody wants to read.
 */
export function contactAddress(contact: string | null): string | null {
  const address = /^[a-z]+:(?:[^@]*@)?[^;?@]+/i.exec(uriOfHeader(contact ?? '') ?? '')?.[0];
  if (address === undefined || address.length > longestAddress) return null;
  return uriText(address.replace(/^(sips?:[^:@]*):[^@]*@/i, '$1@'));
}

/** Conference URI of a caller who is a focus as well, or null: a Contact says so with `isfocus`. */
export function cascadedFocus(contact: string | null): string | null {
  const parameters = contact?.includes('<') ? contact.slice(contact.indexOf('>') + 1) : (contact ?? '');
  return /;\s*isfocus\s*(?:[;,=]|$)/i.test(parameters) ? contactAddress(contact) : null;
}
