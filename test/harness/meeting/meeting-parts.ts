/** The servers under a meeting, started side by side and ended together. */
import { type NatsServer, startNats } from '../servers/nats.ts';
import type { Place } from '../servers/place.ts';
import { startXmppServer, type XmppServer, type XmppServerOptions } from '../servers/xmpp-server.ts';
import type { StackKind } from './find-stacks.ts';
import { type SipSide, startSipSide } from './sip-side.ts';

/** The servers of a stack. */
export interface MeetingParts {
  readonly xmpp: XmppServer;
  readonly sip: SipSide;
  /** Null where the facts stay in the memory of the bridge. */
  readonly nats: NatsServer | null;
}

/** Which servers are wanted. */
export interface PartsOptions extends StackKind {
  /** False: none. */
  readonly nats?: boolean;
  readonly xmppServer?: XmppServerOptions;
  /** Where drachtio-server and FreeSWITCH run, when not where the others do. */
  readonly sipPlace?: Place;
  /** Taken for calls when it is free; any free port when absent. */
  readonly sipPort?: number;
}

/** Starts all; when one fails, the others are ended and its error is thrown. */
export async function startParts(options: PartsOptions): Promise<MeetingParts> {
  const [xmpp, sip, nats] = await Promise.allSettled([
    startXmppServer(options.xmpp, options.xmppServer, options.place),
    startSipSide(options.sip, options.sipPort, options.sipPlace ?? options.place),
    options.nats === false ? null : startNats({}, options.place),
  ]);
  if (xmpp.status === 'fulfilled' && sip.status === 'fulfilled' && nats.status === 'fulfilled') {
    return { xmpp: xmpp.value, sip: sip.value, nats: nats.value };
  }
  const parts = [xmpp, sip, nats];
  await Promise.all(parts.map((part) => (part.status === 'fulfilled' ? part.value?.stop() : undefined)));
  throw parts.find((part) => part.status === 'rejected')?.reason;
}

export async function stopParts({ xmpp, sip, nats }: MeetingParts): Promise<void> {
  await Promise.all([xmpp.stop(), sip.stop(), nats?.stop()]);
}
