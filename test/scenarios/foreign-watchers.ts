/** Words for programs of others that watch a conference: through which proxy, whose phone, what they were told. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { Linphone } from '../harness/linphone.ts';
import { SIP_DOMAIN } from '../harness/meeting/cast.ts';
import type { MeetingStack } from '../harness/meeting/meeting-stack.ts';
import { type KamailioOptions, type KamailioProxy, startKamailio } from '../harness/servers/kamailio.ts';
import type { SipMessage } from '../harness/sip/message.ts';
import { received } from './foreign-phones.ts';

type Transport = 'udp' | 'tcp';

/** By what a phone reaches Kamailio, and by what Kamailio reaches us. */
export const ways: readonly (readonly [of: Transport, onward: Transport])[] = [
  ['udp', 'udp'],
  ['tcp', 'tcp'],
  ['udp', 'tcp'],
  ['tcp', 'udp'],
];

/** A Kamailio before the SIP server of a stack, for the tests of the surrounding `describe`. */
export function kamailioBefore(
  stack: () => MeetingStack,
  wishes: Omit<KamailioOptions, 'server'> = {},
): () => KamailioProxy {
  let proxy: KamailioProxy | undefined;
  beforeAll(async () => {
    proxy = await startKamailio({ server: stack().sipServer, ...wishes });
  });
  afterAll(() => proxy?.stop());
  return () => proxy!;
}

/** RFC 3261 16.6, RFC 5658: a proxy is in the path of a dialog, with an address for each transport where these differ. */
export function expectProxied(message: SipMessage, [of, onward]: readonly [Transport, Transport]): void {
  const routes = message.list('record-route');
  const by = routes.map((route) => (/;transport=tcp\b/.test(route) ? 'tcp' : 'udp'));
  expect(new Set(by)).toEqual(new Set([of, onward]));
  for (const route of routes) expect(route).toMatch(/;lr\b/);
}

/** Waits until nothing has passed a proxy for a while: what it has in hand when it dies, by TCP nobody sends again (RFC 3261 17.1.4). */
export async function untilQuiet(proxy: KamailioProxy): Promise<void> {
  for (let before = ''; before !== proxy.log(); await pause(500)) before = proxy.log();
}

/** A Linphone with the account of one of the cast, registered at a proxy; it plays their tone, and ends with the test. */
export async function linphoneOf(stack: MeetingStack, name: string, proxy: KamailioProxy): Promise<Linphone> {
  const { aor, password, tone } = stack.person(name);
  const credentials = { username: name, password, realm: SIP_DOMAIN };
  const phone = await Linphone.start({ server: proxy.onwardBy.udp, aor: aor!, credentials, tone });
  onTestFinished(() => phone.stop());
  return phone;
}

/** The NOTIFYs with a document that a Linphone was sent. */
export const toldTo = (phone: Linphone): readonly string[] =>
  received(phone.messages(), 'NOTIFY ').filter((text) =>
    /^Content-Type: application\/conference-info\+xml/m.test(text),
  );
