/** Takes back what stands of a link that was taken out of the configuration: no half of any process speaks of it any more. */
import type { AskAnswer } from '../bus/asks.ts';
import type { Bus } from '../bus/bus.ts';
import { mapOfKind } from '../bus/fact-store.ts';
import { type FactKind, type Meeting, onlyKey } from '../conference-info/meeting.ts';

type ManyKind = keyof typeof mapOfKind;

/** Kind and key of everything that stands of a meeting. */
function standingOf(meeting: Meeting): Array<[FactKind, string]> {
  const single = (['link', 'room'] as const).filter((kind) => meeting[kind] !== null);
  const many = Object.entries(mapOfKind) as Array<[ManyKind, (typeof mapOfKind)[ManyKind]]>;
  return [
    ...many.flatMap(([kind, map]) => [...meeting[map].keys()].map((key): [FactKind, string] => [kind, key])),
    ...single.map((kind): [FactKind, string] => [kind, onlyKey]),
  ];
}

/**
 * Withdraws all facts of a link that this process has not in its configuration. Another process might have it: when the facts look as
 * if it were served, `force` is needed.
 */
export async function forgetLink(bus: Bus, link: string, force: boolean): Promise<AskAnswer> {
  const nothing = 'Nothing is known of a link with this id.';
  if (!bus.facts.links().includes(link)) return { ok: false, condition: 'item-not-found', text: nothing };
  const meeting = bus.facts.meeting(link);
  const standing = standingOf(meeting);
  if (standing.length === 0) return { ok: false, condition: 'item-not-found', text: nothing };
  const calls = meeting.legs.size;
  if (!force && (calls > 0 || meeting.room?.joined)) {
    const use = `calls: ${calls}, room entered: ${meeting.room?.joined ? 'yes' : 'no'}`;
    const text = `The link seems to be served by another process (${use}). If none has it in its configuration, ask again with --force.`;
    return { ok: false, condition: 'conflict', text };
  }
  for (const [kind, key] of standing) await bus.withdraw(link, kind, key);
  return { ok: true, notes: [`${standing.length} facts were taken back`] };
}
