/** Reads the XML of a vector into elements, with another parser than the service's. */
import { parseString } from 'xml2js';
import type { XmlElement } from '../../../src/muc-bridge/element.ts';

interface Parsed {
  '#name': string;
  $?: Record<string, string>;
  $$?: Parsed[];
  _?: string;
}

function toElement(node: Parsed): XmlElement {
  const children = (node.$$ ?? []).map((child) => (child['#name'] === '__text__' ? (child._ ?? '') : toElement(child)));
  return { name: node['#name'], attrs: node.$ ?? {}, children };
}

/** The element that an XML text holds; white space between elements is kept, as on the wire. */
export function elementOf(text: string): XmlElement {
  let root: Parsed | undefined;
  const options = {
    explicitRoot: false,
    explicitChildren: true,
    preserveChildrenOrder: true,
    charsAsChildren: true,
    async: false,
  };
  parseString(text, options, (error, result) => {
    if (error) throw error;
    root = result as Parsed;
  });
  if (!root) throw new Error('no element');
  return toElement(root);
}
