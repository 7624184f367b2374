/** RFC 3261 20.1: whether a header field Accept takes a type of body. Pure. */

/** How closely a media range describes a type; 0 = not at all. */
const closeness = (range: string, type: string): number => ['*/*', `${type.split('/')[0]}/*`, type].indexOf(range) + 1;

/** The closest range decides, and `q=0` in it means no. Without Accept (null) everything usual for the method is taken. */
export function accepts(accept: string | null, type: string): boolean {
  if (accept === null) return true;
  let best = { close: 0, wanted: false };
  for (const entry of accept.split(',')) {
    const [range = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const close = closeness(range, type);
    const refused = parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
    if (close > best.close) best = { close, wanted: !refused };
  }
  return best.wanted;
}
