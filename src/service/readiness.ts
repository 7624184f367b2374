/** Whether each part of the service can do its work, and what to do when it cannot: what `/health/ready` says. */
import type { Bus } from '../bus/bus.ts';
import type { MucBridge } from '../muc-bridge/muc-bridge.ts';
import type { Mixer } from '../sip-focus/mixer.ts';
import type { SipFocus } from '../sip-focus/sip-focus.ts';
import type { Readiness } from './http.ts';

export interface ServiceParts {
  readonly bus: Bus;
  /** Null before the start has come so far. */
  readonly focus: SipFocus | null;
  readonly mixer: Mixer;
  readonly muc: MucBridge;
}

const part = (name: string, ready: boolean, good: string, bad: string): Readiness => ({
  part: name,
  ready,
  text: ready ? good : bad,
});

/**
 * All parts. A process that stands by is ready, because its calls work, once another is seen to speak for the component
 * domain: until then calls are put off, since nobody knows the rooms.
 */
export function readinessOf({ bus, focus, mixer, muc }: ServiceParts): readonly Readiness[] {
  const { standby, rooms } = muc.debug();
  const spokenFor = rooms.every(
    ({ link, state }) => state === 'closed' || bus.facts.meeting(link).room?.joined === true,
  );
  const standsBy = focus !== null && standby && spokenFor;
  const unadvertised = rooms.filter((room) => room.joined && room.advertised === 'focus').length;
  const advert =
    unadvertised === 0
      ? 'connected, and in every open room'
      : `connected; ${unadvertised} room(s) cannot name their call: the XMPP server lacks the module mod_muc_avuri, so that only the focus in the room names it`;
  return [
    part('bus', bus.status() === 'connected', 'connected', 'The event bus cannot be reached: is NATS running?'),
    part(
      'sip',
      focus?.debug().connected ?? false,
      'connected',
      'The SIP server cannot be reached: is drachtio-server running, with this secret?',
    ),
    part(
      'mixer',
      focus !== null && mixer.ready(),
      'connected',
      'The media server cannot be reached: is FreeSWITCH running, with this event socket password?',
    ),
    part(
      'xmpp',
      standsBy || muc.ready(),
      standsBy ? 'standing by: another process speaks for the component domain' : advert,
      'The XMPP server cannot be reached, or a room cannot be entered; the log says why.',
    ),
  ];
}
