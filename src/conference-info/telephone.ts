/** RFC 3966: which addresses and names are telephone numbers, so that they can be masked for who may not see them (RFC 4575 8.2). */

/** Parameters of the number and a password may follow it in the user part. */
const telephoneUri = /^(?:tel:|sips?:\+?[\d\s*#.()-]{3,}(?:[;:][^@]*)?@)|;user=phone/i;
const escapedAscii = /%([0-7][0-9a-f])/gi;
/** Digits of any script, and what stands between them. */
const telephoneText = /^\s*\+?[\p{Nd}\p{Pd}\s()./*#_·]{3,}$/u;
/** A name with a number in it: one that may be an extension, and one that is long enough to be called from anywhere. */
const holdsExtension = /\p{Nd}(?:[\p{Pd}\s()./*#_·]{0,3}\p{Nd}){3,}/u;
const holdsNumber = /\p{Nd}(?:[\p{Pd}\s()./*#_·]{0,3}\p{Nd}){6,}/u;

/** True for `tel:` URIs and for SIP URIs that stand for a number or an extension, however escaped. */
export const isTelephone = (uri: string): boolean =>
  telephoneUri.test(uri.replace(escapedAscii, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));

/** True for a name that is a number or holds one; of somebody on a telephone a short one counts as well. */
export const tellsNumber = (name: string, onTelephone: boolean): boolean =>
  telephoneText.test(name) || (onTelephone ? holdsExtension : holdsNumber).test(name);
