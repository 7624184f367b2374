/** The form of each fact on the bus, and the one place that names subjects. */
import { z } from 'zod';
import { legStatuses, muteReasons } from '../conference-info/leg.ts';
import { mostOwners } from '../conference-info/link.ts';
import { type FactKind, type FactValues, globalLink } from '../conference-info/meeting.ts';
import { affiliations, roleCauses, roles } from '../conference-info/occupant.ts';
import { directions, disconnectionMethods } from '../conference-info/user.ts';
import { BridgeError } from '../errors.ts';
import { type Aor, canonicalAor } from '../identity/aor.ts';
import { proofs } from '../identity/binding.ts';

const text = z.string().max(4096);
const id = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/);
const jid = z.string().min(1).max(3071);
const aor = z.custom<Aor>(
  (value) => typeof value === 'string' && canonicalAor(value) === value,
  'expected a canonical AOR',
);
const by = text.nullable();

const leg = z.strictObject({
  leg: z.string().regex(/^[a-z0-9-]{1,64}$/),
  instance: id,
  generation: id,
  aor: aor.nullable(),
  proof: z.enum(['digest', 'trusted-peer']).nullable(),
  pseudonym: text,
  masked: text.exactOptional(),
  label: text.nullable(),
  withheld: z.boolean().exactOptional(),
  method: z.enum(['dialed-in', 'dialed-out']),
  status: z.enum(legStatuses),
  joinedAt: z.iso.datetime(),
  joining: z.strictObject({ reason: by, by }).exactOptional(),
  referred: z.strictObject({ when: z.iso.datetime().nullable(), reason: by, by }).exactOptional(),
  mutes: z.array(z.enum(muteReasons)).readonly(),
  muted: z.boolean(),
  floor: z.boolean(),
  expulsion: id.nullable(),
  dialogId: text,
  callId: text,
  fromTag: text.exactOptional(),
  toTag: text.exactOptional(),
  direction: z.enum(directions).exactOptional(),
  sourceId: z
    .string()
    .regex(/^\d{1,10}$/)
    .exactOptional(),
  languages: z
    .array(z.string().regex(/^[A-Za-z0-9-]{1,64}$/))
    .readonly()
    .exactOptional(),
  cascadedFocus: text.exactOptional(),
  contact: text.nullable(),
  mixer: text,
  mixerRef: z.record(z.string(), text).readonly(),
});

const schemas = {
  link: z.strictObject({
    room: jid,
    conference: text,
    state: z.enum(['open', 'closed']),
    reason: by,
    closedBy: z.enum(['room', 'operator']).exactOptional(),
    owners: z.array(jid).max(mostOwners).readonly().exactOptional(),
    locked: z.strictObject({ by: text, reason: by }).exactOptional(),
  }),
  room: z.strictObject({
    joined: z.boolean(),
    name: text.nullable(),
    subject: z.string().max(65536).nullable(),
    moderated: z.boolean(),
    guestsHaveVoice: z.boolean().exactOptional(),
    membersOnly: z.boolean(),
    passwordProtected: z.boolean(),
    nonAnonymous: z.boolean(),
    advertised: z.enum(['room', 'focus', 'none']),
  }),
  occupant: z.strictObject({
    nick: text,
    jid: jid.nullable(),
    role: z.enum(roles),
    affiliation: z.enum(affiliations),
    cause: z.enum(roleCauses),
    reason: by.exactOptional(),
    by: by.exactOptional(),
  }),
  affiliation: z.strictObject({
    jid,
    affiliation: z.enum(['outcast', 'member', 'admin', 'owner']),
    reason: by.exactOptional(),
    by: by.exactOptional(),
  }),
  'voice-taken': z.strictObject({ jid, by }),
  expulsion: z.strictObject({ id, jid, cause: z.enum(['kick', 'ban', 'membership']), reason: by, by }),
  leg,
  departure: z.strictObject({
    leg,
    method: z.enum(disconnectionMethods),
    when: z.iso.datetime(),
    reason: by,
    by,
  }),
  'caller-ban': z.strictObject({ aor, reason: by, by }),
  watcher: z.strictObject({ instance: id, generation: id, dialogId: text, event: text, contact: text }),
  binding: z.strictObject({ aor, jid, proof: z.enum(proofs) }),
} satisfies { [K in FactKind]: z.ZodType<FactValues[K]> };

/** All kinds, in a fixed order. */
export const factKinds = Object.keys(schemas) as readonly FactKind[];

/** Checks a value against the form of its kind and gives a copy of it; throws BUS_MESSAGE_INVALID with the place and what is expected (no values). */
export function checkFact<K extends FactKind>(kind: K, value: unknown): FactValues[K] {
  const result = schemas[kind].safeParse(value);
  if (result.success) return result.data as FactValues[K];
  const where = result.error.issues.map((issue) => `${issue.path.join('.') || '(value)'}: ${issue.message}`);
  throw new BridgeError('BUS_MESSAGE_INVALID', `fact of kind ${kind} refused: ${where.slice(0, 3).join('; ')}`);
}

const prefix = 'cusax.v1';
const linkForm = /^(?:[a-z0-9-]{1,64}|_)$/;

/** Every fact subject. */
export const allFacts = `${prefix}.*.*.*`;

/** Subject of a fact; keys are base64url because JIDs hold `.`, `*` and `>`. */
export function subjectOf(link: string, kind: FactKind, key: string): string {
  if (!linkForm.test(link) || (kind === 'binding') !== (link === globalLink)) {
    throw new BridgeError('BUS_MESSAGE_INVALID', `a fact of kind ${kind} cannot stand under this link name`);
  }
  return `${prefix}.${link}.${kind}.${Buffer.from(key, 'utf8').toString('base64url')}`;
}

/** The parts of a subject, or null when it is none of ours. */
export function partsOf(subject: string): { link: string; kind: FactKind; key: string } | null {
  const [a, b, link, kind, key, ...rest] = subject.split('.');
  if (`${a}.${b}` !== prefix || rest.length > 0 || !link || !kind || !key || !linkForm.test(link)) return null;
  if (!factKinds.includes(kind as FactKind)) return null;
  return { link, kind: kind as FactKind, key: Buffer.from(key, 'base64url').toString('utf8') };
}
