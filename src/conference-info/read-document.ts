/** RFC 4575 5: reads a conference document that anybody may have written: tolerant in what it says, strict in safety. */
import { type Applied, applyDocument, type Coherent } from './coherent-state.ts';
import { defaultXmlLimits, readXml, type XmlElement, type XmlLimits, type XmlRefusal } from './xml-tree.ts';

/** A document as read. */
export interface ReadDocument {
  readonly entity: string;
  readonly version: number;
  readonly state: 'full' | 'partial' | 'deleted';
  readonly root: XmlElement;
}

/** 4.2: of every element of the RFC. */
export const conferenceNamespace = 'urn:ietf:params:xml:ns:conference-info';
const states = ['full', 'partial', 'deleted'] as const;
const largestVersion = 2 ** 32 - 1;

/** Reads a document, or says why not. A missing version counts as 0 (4.3 demands one; some servers leave it out). */
export function readDocument(text: string, limits: XmlLimits = defaultXmlLimits): ReadDocument | XmlRefusal {
  const root = readXml(text, limits);
  if ('refused' in root) return root;
  if (root.name !== 'conference-info' || root.namespace !== conferenceNamespace)
    return { refused: 'not-conference-info' };
  const entity = root.attributes.get('entity')?.trim();
  const written = root.attributes.get('version')?.trim() ?? '0';
  const state = states.find((each) => each === (root.attributes.get('state')?.trim() ?? 'full'));
  if (!entity || !state || !/^\d{1,10}$/.test(written) || Number(written) > largestVersion)
    return { refused: 'invalid' };
  return { entity, version: Number(written), state, root };
}

/** Takes a document into what is known (4.6). */
export const takeDocument = (known: Coherent | null, document: ReadDocument): Applied =>
  applyDocument(known, document.root, document.version);
