/** RFC 4575 in the focus's presence, on real servers: a chat client sees the call without SIP. */
import type { Element } from '@xmpp/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConferenceReader } from '../harness/conference/reader.ts';
import { validateCollected } from '../harness/conference/schema.ts';
import { findXmppServers, startXmppServer, type XmppServer } from '../harness/servers/xmpp-server.ts';
import type { XmppRoom } from '../harness/xmpp-room.ts';
import { XmppUser } from '../harness/xmpp-user.ts';
import { Bench } from './muc-bridge-bench.ts';

const kinds = findXmppServers().filter((kind) => (process.env.XMPP_SERVER ?? kind) === kind);

describe.each(kinds)('the summary of the call on %s', (kind) => {
  let server: XmppServer;
  let alice: XmppUser;
  let bob: XmppUser;

  beforeAll(async () => {
    server = await startXmppServer(kind);
    for (const name of ['alice', 'bob']) await server.addUser(name, 'pw');
    alice = await XmppUser.connect(server, 'alice', 'pw');
    bob = await XmppUser.connect(server, 'bob', 'pw');
  });

  afterAll(async () => {
    alice?.drop();
    bob?.drop();
    await server?.stop();
  });

  const summaryIn = (room: XmppRoom): Element | undefined =>
    room.occupants.get('call')?.raw.getChild('conference-info', 'urn:ietf:params:xml:ns:conference-info');
  const count = (room: XmppRoom): string | null | undefined =>
    summaryIn(room)?.getChild('conference-state')?.getChildText('user-count');

  it('is in the presence of the focus, changes with the call, and late joiners get the last one', async () => {
    const bench = new Bench(server, { summaryGapMs: 0 });
    try {
      await bench.start();
      const aliceIn = await alice.join(bench.link.room, 'Alice');
      await aliceIn.until(() => count(aliceIn) === '0', 'a summary without callers');
      const first = Number(summaryIn(aliceIn)!.attrs.version);
      const leg = await bench.call(bob.bareJid);
      await aliceIn.until(() => count(aliceIn) === '1', 'the caller');
      const bobIn = await bob.join(bench.link.room, 'Bob');
      await bobIn.until(() => count(bobIn) === '1', 'the last summary');
      await bobIn.until(() => summaryIn(bobIn)!.toString().includes(`xmpp:${bench.link.room}/Bob`), 'Bob, who calls');
      const shown = summaryIn(bobIn)!;
      expect(Number(shown.attrs.version)).toBeGreaterThan(first);
      const reader = new ConferenceReader(bench.link.conference, 'any');
      reader.accept(shown.toString());
      await validateCollected();
      expect(reader.view.users).toHaveLength(1);
      expect(shown.toString()).not.toContain(bob.bareJid);
      await bench.bus.withdraw(bench.link.id, 'leg', leg.leg);
      await bobIn.until(() => count(bobIn) === '0', 'nobody in the call');
    } finally {
      await bench.bridge.stop();
    }
  });

  it('is there again when the focus has had to enter anew', async () => {
    const bench = new Bench(server, { summaryGapMs: 0 });
    const aliceIn = await alice.join(bench.link.room, 'Alice');
    await aliceIn.configure({ 'muc#roomconfig_persistentroom': true });
    try {
      await bench.start();
      await aliceIn.until(() => count(aliceIn) === '0', 'the summary');
      await bench.restart();
      await aliceIn.until(() => count(aliceIn) === '0', 'the summary of the next process');
      await bench.call(bob.bareJid);
      await aliceIn.until(() => count(aliceIn) === '1', 'the caller');
    } finally {
      await bench.bridge.stop();
    }
  });
});
