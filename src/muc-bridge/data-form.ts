/** XEP-0004, XEP-0068: data forms, read and written as fields with their values. */
import { childrenOf, childText, element, textOf, type XmlElement } from './element.ts';

/** The namespace of data forms. */
export const dataForms = 'jabber:x:data';
const xmlns = dataForms;

/** Field name -> values. */
export type FormFields = Readonly<Record<string, readonly string[]>>;

/** Reads a form; fields without a name are left out. */
function readForm(form: XmlElement): FormFields {
  const fields: Record<string, string[]> = {};
  for (const field of childrenOf(form, 'field')) {
    if (field.attrs.var) fields[field.attrs.var] = childrenOf(field, 'value').map(textOf);
  }
  return fields;
}

/** The first form below an element with this FORM_TYPE (any form when null), or null. XEP-0128 allows several. */
export function formOf(parent: XmlElement | null, formType: string | null): FormFields | null {
  for (const form of parent ? childrenOf(parent, 'x', xmlns) : []) {
    const fields = readForm(form);
    if (formType === null || fields.FORM_TYPE?.[0] === formType) return fields;
  }
  return null;
}

/** Writes a form of a type (`submit`, `result`). The FORM_TYPE field is hidden (XEP-0068); null leaves it out. */
export const writeForm = (
  type: 'submit' | 'result',
  formType: string | null,
  fields: Readonly<Record<string, string>>,
): XmlElement =>
  element(
    'x',
    { xmlns, type },
    formType !== null && element('field', { var: 'FORM_TYPE', type: 'hidden' }, element('value', {}, formType)),
    ...Object.entries(fields).map(([name, value]) => element('field', { var: name }, element('value', {}, value))),
  );

/** A question with given answers, one of which must be chosen (`list-single`). */
export interface ChoiceField {
  readonly name: string;
  readonly label: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

const choice = ({ name, label, options: [first, ...others] }: ChoiceField): XmlElement =>
  element(
    'field',
    { var: name, type: 'list-single', label },
    element('required'),
    // What is the only choice is chosen already.
    first !== undefined && others.length === 0 && element('value', {}, first.value),
    ...(first === undefined ? [] : [first, ...others]).map((option) =>
      element('option', { label: option.label }, element('value', {}, option.value)),
    ),
  );

/** Writes a form to be filled in. */
export const writeQuestions = (title: string, instructions: string, fields: readonly ChoiceField[]): XmlElement =>
  element(
    'x',
    { xmlns, type: 'form' },
    element('title', {}, title),
    element('instructions', {}, instructions),
    ...fields.map(choice),
  );

/** RFC 6120 8.3: what an error stanza says. */
export interface StanzaRefusal {
  readonly condition: string;
  readonly text: string;
}

const stanzas = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** Reads the `<error/>` of a stanza of type error. */
export function readRefusal(stanza: XmlElement): StanzaRefusal {
  const error = childrenOf(stanza, 'error')[0];
  const condition = error
    ? childrenOf(error).find((child) => child.name !== 'text' && child.attrs.xmlns === stanzas)
    : undefined;
  return {
    condition: condition?.name ?? 'undefined-condition',
    text: childText(error ?? null, 'text') ?? '',
  };
}
