/** What FreeSWITCH's events and member lists say of legs. Pure: text in, plain data out. */

/** A member as FreeSWITCH knows it. */
export interface FreeswitchMember {
  /** Name of the conference in FreeSWITCH. */
  readonly room: string;
  /** Caller id number: what we dialled with, our leg. */
  readonly leg: string;
  /** Number of the member within its conference, for mute orders. */
  readonly member: string;
  /** UUID of its channel. */
  readonly channel: string;
  readonly muted: boolean;
  readonly talking: boolean;
}

/** Something that happened to a leg. */
export type LegEvent =
  | { readonly kind: 'joined'; readonly member: FreeswitchMember }
  | { readonly kind: 'muted'; readonly leg: string; readonly muted: boolean }
  | { readonly kind: 'talking'; readonly leg: string; readonly talking: boolean }
  | { readonly kind: 'key'; readonly leg: string; readonly digit: string; readonly ms: number }
  | { readonly kind: 'ended'; readonly leg: string; readonly channel: string; readonly cause: EndedCause };

export type EndedCause = 'hung-up' | 'media-timeout' | 'failed';

/** Events that `readEvent` understands. */
export const wantedEvents = ['DTMF', 'CHANNEL_HANGUP_COMPLETE'] as const;
export const wantedSubclasses = ['conference::maintenance'] as const;

type Headers = (name: string) => string | undefined;

/** Durations of keys are counted in samples of 8 kHz. */
const samplesPerMs = 8;

const peaceful = new Set(['NORMAL_CLEARING', 'ORIGINATOR_CANCEL', 'NONE', 'SUCCESS']);

function causeOf(name: string | undefined): EndedCause {
  if (name === 'MEDIA_TIMEOUT') return 'media-timeout';
  return name !== undefined && peaceful.has(name) ? 'hung-up' : 'failed';
}

/** Reads an event; null when it says nothing of a leg. */
export function readEvent(header: Headers): LegEvent | null {
  const leg = header('Caller-Caller-ID-Number');
  if (leg === undefined) return null;
  switch (header('Event-Name')) {
    case 'CUSTOM':
      return header('Event-Subclass') === 'conference::maintenance' ? readMaintenance(header, leg) : null;
    case 'DTMF':
      return readKey(header, leg);
    case 'CHANNEL_HANGUP_COMPLETE':
      return { kind: 'ended', leg, channel: header('Unique-ID') ?? '', cause: causeOf(header('Hangup-Cause')) };
    default:
      return null;
  }
}

function readMaintenance(header: Headers, leg: string): LegEvent | null {
  switch (header('Action')) {
    case 'add-member':
      return {
        kind: 'joined',
        member: {
          room: header('Conference-Name') ?? '',
          leg,
          member: header('Member-ID') ?? '',
          channel: header('Unique-ID') ?? '',
          muted: header('Speak') === 'false',
          talking: header('Talking') === 'true',
        },
      };
    case 'mute-member':
      return { kind: 'muted', leg, muted: true };
    case 'unmute-member':
      return { kind: 'muted', leg, muted: false };
    case 'start-talking':
      return { kind: 'talking', leg, talking: true };
    case 'stop-talking':
      return { kind: 'talking', leg, talking: false };
    default:
      return null;
  }
}

function readKey(header: Headers, leg: string): LegEvent | null {
  const digit = header('DTMF-Digit');
  const samples = Number(header('DTMF-Duration'));
  if (digit === undefined || !Number.isFinite(samples)) return null;
  return { kind: 'key', leg, digit, ms: Math.round(samples / samplesPerMs) };
}

type Json = Readonly<Record<string, unknown>>;

const objects = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((entry): entry is Json => typeof entry === 'object' && entry !== null) : [];

/** Reads the answer to `conference json_list`; null when it is not one. No conference is an empty list. */
export function readMembers(answer: string): readonly FreeswitchMember[] | null {
  if (/^\+OK No active conferences/i.test(answer.trim())) return [];
  let rooms: unknown;
  try {
    rooms = JSON.parse(answer);
  } catch {
    return null;
  }
  if (!Array.isArray(rooms)) return null;
  return objects(rooms).flatMap((room) => objects(room.members).map((member) => readMember(room, member)));
}

function readMember(room: Json, member: Json): FreeswitchMember {
  const flags = (typeof member.flags === 'object' && member.flags !== null ? member.flags : {}) as Json;
  return {
    room: String(room.conference_name ?? ''),
    leg: String(member.caller_id_number ?? ''),
    member: String(member.id ?? ''),
    channel: String(member.uuid ?? ''),
    muted: flags.can_speak === false,
    talking: flags.talking === true,
  };
}
