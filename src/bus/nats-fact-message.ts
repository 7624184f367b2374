/** How a fact is written in a NATS message: JSON with the value (null: withdrawn) and the trace of its cause. */
import type { FactKind, FactValues } from '../conference-info/meeting.ts';
import { BridgeError } from '../errors.ts';
import { checkFact, partsOf } from './facts.ts';

/** A fact read from a message. */
export interface DecodedFact {
  readonly link: string;
  readonly kind: FactKind;
  readonly key: string;
  readonly value: FactValues[FactKind] | null;
  readonly trace: string | undefined;
}

const longestTrace = 64;

/** The payload for a fact. */
export function encodeFact(fact: Pick<DecodedFact, 'value' | 'trace'>): Uint8Array {
  return Buffer.from(JSON.stringify({ value: fact.value, trace: fact.trace }));
}

/** A message that is no fact, with the link and kind of its subject when that is one of ours. */
export interface UnreadableFact {
  readonly link: string | null;
  readonly kind: FactKind | null;
  /** What is wrong with it (no values). */
  readonly error: unknown;
}

/** Reads a message; one that has not the form of its kind is left aside by whoever reads it. */
export function decodeFact(message: { subject: string; data: Uint8Array }): DecodedFact | UnreadableFact {
  const parts = partsOf(message.subject);
  if (parts === null) {
    return { link: null, kind: null, error: new BridgeError('BUS_MESSAGE_INVALID', 'a foreign subject') };
  }
  try {
    const { value, trace } = readJson(message.data);
    const checked = value === null ? null : checkFact(parts.kind, value);
    return { ...parts, value: checked, trace: typeof trace === 'string' ? trace.slice(0, longestTrace) : undefined };
  } catch (error) {
    return { link: parts.link, kind: parts.kind, error };
  }
}

function readJson(data: Uint8Array): { value: unknown; trace: unknown } {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    throw new BridgeError('BUS_MESSAGE_INVALID', 'not JSON');
  }
  if (typeof content !== 'object' || content === null || !('value' in content)) {
    throw new BridgeError('BUS_MESSAGE_INVALID', 'no value');
  }
  return { value: content.value, trace: 'trace' in content ? content.trace : undefined };
}
