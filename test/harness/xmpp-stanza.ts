/** What the XMPP user of the tests reads and writes: errors (RFC 6120 8.3), data forms (XEP-0004), disco#info (XEP-0030). */
import { type Element, xml } from '@xmpp/client';

/** What one gets with an entity's disco#info. */
export interface DiscoInfo {
  readonly identities: ReadonlyArray<{ category: string; type: string; name?: string }>;
  readonly features: readonly string[];
  /** Extended information (XEP-0128), one object per form, keyed by its FORM_TYPE; each maps field to values. */
  readonly forms: ReadonlyArray<Record<string, Record<string, string[]>>>;
}

/** The values a form field may be given here; booleans are written as 1 and 0. */
export type FieldValue = string | number | boolean | readonly string[];

/** A stanza came back with type='error'. */
export class StanzaRefused extends Error {
  override readonly name = 'StanzaRefused';
  /** `auth`, `cancel`, `continue`, `modify` or `wait` */
  readonly type: string;
  /** The defined condition, such as `forbidden`. */
  readonly condition: string;
  readonly text: string | null;

  constructor(type: string, condition: string, text: string | null) {
    super(text === null ? `${type}/${condition}` : `${type}/${condition}: ${text}`);
    this.type = type;
    this.condition = condition;
    this.text = text;
  }
}

const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
const NS_DATA = 'jabber:x:data';

/** Reads the `<error/>` of a stanza of type error. */
export function readRefusal(stanza: Element): StanzaRefused {
  const error = stanza.getChild('error');
  const condition = error?.getChildElements().find((child) => child.getNS() === NS_STANZAS && child.name !== 'text');
  return new StanzaRefused(
    error?.attrs.type ?? 'cancel',
    condition?.name ?? 'undefined-condition',
    error?.getChildText('text', NS_STANZAS) ?? null,
  );
}

/** Makes a form of type submit. */
export function submitForm(formType: string, fields: Readonly<Record<string, FieldValue>>): Element {
  return xml(
    'x',
    { xmlns: NS_DATA, type: 'submit' },
    xml('field', { var: 'FORM_TYPE', type: 'hidden' }, xml('value', {}, formType)),
    Object.entries(fields).map(([name, value]) =>
      xml(
        'field',
        { var: name },
        fieldValues(value).map((text) => xml('value', {}, text)),
      ),
    ),
  );
}

function fieldValues(value: FieldValue): readonly string[] {
  if (typeof value === 'boolean') return [value ? '1' : '0'];
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return value;
}

/** Reads the values of a form; fields without a `var` are left out. */
export function readForm(form: Element): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const field of form.getChildren('field')) {
    if (field.attrs.var !== undefined) values[field.attrs.var] = field.getChildren('value').map((v) => v.getText());
  }
  return values;
}

/** Reads the `<query/>` of a disco#info result. */
export function readDiscoInfo(query: Element): DiscoInfo {
  return {
    identities: query.getChildren('identity').map(({ attrs }) => ({
      category: attrs.category ?? '',
      type: attrs.type ?? '',
      ...(attrs.name === undefined ? {} : { name: attrs.name }),
    })),
    features: query.getChildren('feature').map((feature) => feature.attrs.var ?? ''),
    forms: query.getChildren('x', NS_DATA).map((form) => {
      const { FORM_TYPE: [formType = ''] = [], ...fields } = readForm(form);
      return { [formType]: fields };
    }),
  };
}
