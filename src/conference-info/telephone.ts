/** RFC 3966: which addresses and names are telephone numbers, so that they can be masked for who may not see them (RFC 4575 8.2). */

const telephoneUri = /^(?:tel:|sips?:\+?[\d*#.()-]{3,}@)|;user=phone/i;
const telephoneText = /^\s*\+?[\d\s()./*#-]{3,}$/;
/** A name with a number in it: one that may be an extension, and one that is long enough to be called from anywhere. */
const holdsExtension = /\d(?:[\s()./*#-]{0,3}\d){3,}/;
const holdsNumber = /\d(?:[\s()./*#-]{0,3}\d){6,}/;

/** True for `tel:` URIs and for SIP URIs that stand for a number or an extension. */
export const isTelephone = (uri: string): boolean => telephoneUri.test(uri);

/** True for a name that is a number or holds one; of somebody on a telephone a short one counts as well. */
export const tellsNumber = (name: string, onTelephone: boolean): boolean =>
  telephoneText.test(name) || (onTelephone ? holdsExtension : holdsNumber).test(name);
