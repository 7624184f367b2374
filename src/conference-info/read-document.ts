/** RFC 4575 5: reads a conference document that anybody may have written: tolerant in what it says, strict in safety. */
import { type Applied, applyDocument, type Coherent } from './coherent-state.ts';
import { meantStates } from './meant-states.ts';
import { defaultXmlLimits, readXml, type XmlElement, type XmlLimits, type XmlRefusal } from './xml-tree.ts';

/** A document as read. */
export interface ReadDocument {
  /** Empty where a server leaves it out: who subscribed knows of which conference it speaks. */
  readonly entity: string;
  readonly version: number;
  /** False where a server does not count its documents; the version is 0 then. */
  readonly counted: boolean;
  readonly state: 'full' | 'partial' | 'deleted';
  readonly root: XmlElement;
}

/** 4.2: of every element of the RFC. */
export const conferenceNamespace = 'urn:ietf:params:xml:ns:conference-info';
const states = ['full', 'partial', 'deleted'] as const;
const largestVersion = 2 ** 32 - 1;

/** Some servers write no namespace at all; what has none is then of the RFC. */
const adopted = (element: XmlElement): XmlElement => ({
  ...element,
  namespace: element.namespace === '' ? conferenceNamespace : element.namespace,
  children: element.children.map(adopted),
});

const isVersion = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) <= largestVersion;

/** Reads a document, or says why not. */
export function readDocument(text: string, limits: XmlLimits = defaultXmlLimits): ReadDocument | XmlRefusal {
  const read = readXml(text, limits);
  if ('refused' in read) return read;
  const root = read.namespace === '' ? adopted(read) : read;
  if (root.name !== 'conference-info' || root.namespace !== conferenceNamespace)
    return { refused: 'not-conference-info' };
  const entity = root.attributes.get('entity')?.trim() ?? '';
  const written = root.attributes.get('version')?.trim();
  const state = states.find((each) => each === (root.attributes.get('state')?.trim() || 'full'));
  if (!state || !isVersion(written ?? '0')) return { refused: 'invalid' };
  const counted = written !== undefined;
  return {
    entity,
    version: Number(written ?? 0),
    counted,
    state,
    root: state === 'partial' ? meantStates(root) : root,
  };
}

/** Takes a document into what is known (4.6). One without a version is the next when it is full, and otherwise comes after a gap. */
export function takeDocument(known: Coherent | null, document: ReadDocument): Applied {
  const next = (known?.version ?? 0) + (document.state === 'partial' ? 2 : 1);
  return applyDocument(known, document.root, document.counted ? document.version : next);
}
