/** The contract of RoomService on Prosody and on ejabberd. */
import { afterAll, beforeAll, describe } from 'vitest';
import { createLog } from '../../src/log.ts';
import { ComponentLink } from '../../src/muc-bridge/component.ts';
import { replyTo } from '../../src/muc-bridge/disco.ts';
import { XmppRoomService } from '../../src/muc-bridge/xmpp-room-service.ts';
import { findXmppServers, startXmppServer, type XmppServer } from '../harness/servers/xmpp-server.ts';
import { XmppUser } from '../harness/xmpp-user.ts';
import { type RoomServiceBench, roomServiceContract } from './room-service-contract.ts';

describe.each(findXmppServers())('RoomService on %s', (kind) => {
  let server: XmppServer;
  let link: ComponentLink;
  let bench: RoomServiceBench;

  beforeAll(async () => {
    server = await startXmppServer(kind);
    for (const name of ['alice', 'bob']) await server.addUser(name, 'pw');
    const [alice, bob] = [await XmppUser.connect(server, 'alice', 'pw'), await XmppUser.connect(server, 'bob', 'pw')];
    const focus = `focus@${server.componentDomain}`;
    const { componentPort: port, componentDomain: domain, componentSecret: secret } = server;
    await new Promise<void>((online) => {
      const settings = { host: '127.0.0.1', port, domain, secret };
      const facts = { focus, clarkNamespace: null, desk: null, conferenceOf: () => null };
      const stanza = (given: Parameters<typeof replyTo>[0]) => {
        if (given.name === 'iq') void link.send(replyTo(given, facts));
      };
      link = new ComponentLink(
        settings,
        { online: () => online(), offline: () => undefined, stanza },
        createLog({ level: 'silent' }),
      );
      link.start();
    });
    const service = new XmppRoomService(link, `${focus}/focus`);
    let rooms = 0;
    const nowhere = () => `service-${++rooms}@${server.mucDomain}`;
    bench = {
      service,
      alice,
      bob,
      nowhere,
      async room() {
        const room = nowhere();
        const aliceIn = await alice.join(room, 'Alice');
        const bobIn = await bob.join(room, 'Bob');
        await service.join(room, 'call', null);
        await aliceIn.until((seen) => seen.occupants.has('call') && seen.occupants.has('Bob'), 'all of them');
        return { room, aliceIn, bobIn };
      },
    };
  });

  afterAll(async () => {
    await link?.stop();
    bench?.alice.drop();
    bench?.bob.drop();
    await server?.stop();
  });

  roomServiceContract(() => bench);
});
