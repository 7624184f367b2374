/** Tells what happens in the meeting as it happens, in a line each: facts of the bus in plain words. Pure. */
import type { FactEvent } from '../src/bus/bus.ts';
import type { LegFact } from '../src/conference-info/leg.ts';
import type { ExpulsionFact, OccupantFact } from '../src/conference-info/occupant.ts';

/** Who wants privacy is not named, whatever the bridge knows. */
const callerOf = ({ withheld, label, aor }: LegFact): string =>
  withheld ? 'somebody who withholds their name' : `${label ?? aor ?? 'somebody'} (${aor ?? 'no proved address'})`;

function tellLeg(now: LegFact | null, before: LegFact | null): string | null {
  const leg = now ?? before;
  if (leg === null) return null;
  const who = callerOf(leg);
  if (now === null) return `${who} has left the call`;
  if (before === null) return `${who} is in the call${now.muted ? ', muted' : ''}`;
  if (now.muted !== before.muted)
    return `${who} is ${now.muted ? `muted in the call (${now.mutes.join(', ')})` : 'heard in the call again'}`;
  if (now.status !== before.status)
    return `${who} ${now.status === 'on-hold' ? 'holds the call' : 'is back from hold'}`;
  return null;
}

function tellOccupant(now: OccupantFact | null, before: OccupantFact | null): string | null {
  const occupant = now ?? before;
  if (occupant === null) return null;
  if (now === null) return `${occupant.nick} has left the room`;
  if (before === null) return `${occupant.nick} is in the room as ${now.role}`;
  return now.role === before.role ? null : `${occupant.nick} is ${now.role} in the room now`;
}

const expulsionWords = {
  kick: 'kicked out of the room',
  ban: 'banned from the room',
  membership: 'sent out: no member',
};

function tellExpulsion({ jid, cause, by, reason }: ExpulsionFact): string {
  return `${jid} was ${expulsionWords[cause]}${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}`;
}

/** A line about a change, or null when it is of no interest to people. */
export function narrate(event: FactEvent): string | null {
  switch (event.kind) {
    case 'leg':
      return tellLeg(event.value, event.previous);
    case 'occupant':
      return tellOccupant(event.value, event.previous);
    case 'expulsion':
      return event.value && tellExpulsion(event.value);
    case 'affiliation':
      return event.value === null && event.previous?.affiliation === 'outcast'
        ? `${event.previous.jid} is no longer banned from the room`
        : null;
    case 'link':
      return event.value?.state === 'closed'
        ? `the conference is closed: ${event.value.reason ?? 'no reason given'}`
        : null;
    default:
      return null;
  }
}
