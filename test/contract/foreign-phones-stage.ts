/** Where SIP clients of others meet the focus: a stage of its contract, with phones and watchers of our own beside them. */
import { expect, vi } from 'vitest';
import { validateCollected } from '../harness/conference/schema.ts';
import { SipPhone } from '../harness/sip/phone.ts';
import { Watcher } from '../harness/sip/watcher.ts';
import { alice, aliceAor, eventually, link, type StartPlace, secret, stage, uri } from './sip-focus-stage.ts';

/** The account of alice. */
export const credentials = { username: secret.user, password: secret.password };

export type ForeignStage = Awaited<ReturnType<typeof foreignStage>>;

/** Starts a focus that asks for MD5 only, since both clients stumble over a challenge for SHA-256. `end` ends what was added to it. */
export async function foreignStage(start: StartPlace) {
  const at = await stage(start, { algorithms: ['MD5'], watching: 'anyone' });
  const cleanUp: Array<() => unknown> = [];
  const server = (transport: 'udp' | 'tcp' = 'udp') => {
    const port = transport === 'tcp' ? at.place.sipTcpPort : at.place.sipPort;
    if (port === undefined) throw new Error(`this place has no ${transport}`);
    return { host: '127.0.0.1', port };
  };
  return {
    ...at,
    server,
    /** Has a step done at the end, last ones first. */
    after(step: () => unknown): void {
      cleanUp.push(step);
    },
    async end(): Promise<void> {
      for (const step of cleanUp.splice(0).reverse()) await step();
      await validateCollected();
    },
    /** A phone of our own, in the call. */
    async ownPhone(tone: number) {
      const phone = await SipPhone.open({ server: server(), aor: 'sip:ruth@elsewhere.example', tone });
      cleanUp.push(() => phone.close());
      return phone.call(uri);
    },
    async watcher(): Promise<Watcher> {
      const watch = await Watcher.subscribe({ server: server(), aor: 'sip:walt@elsewhere.example' }, uri);
      cleanUp.push(() => watch.close());
      return watch;
    },
    /** Alice is in the room, and her SIP address is known. */
    async aliceInTheRoom(): Promise<void> {
      await at.bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
      await at.bus.publish(link.id, 'occupant', 'alice', alice);
    },
    /** The room sends alice out. */
    async kick(): Promise<void> {
      const expulsion = { id: 'x1', jid: 'alice@example.com', cause: 'kick', reason: null, by: 'bob' } as const;
      await at.bus.publish(link.id, 'expulsion', 'alice@example.com', expulsion);
    },
    async nobodyIsLeft(): Promise<void> {
      await eventually(() => at.legs().length === 0, 'no leg is left');
      await vi.waitFor(async () => expect(await at.mixer.list()).toEqual([]), 10_000);
    },
  };
}
