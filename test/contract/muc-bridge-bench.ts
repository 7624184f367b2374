/** An XMPP half on a real server, with a bus of its own and one link to a room of its own. */
import type { RoomAsk } from '../../src/bus/asks.ts';
import type { Leases } from '../../src/bus/leases.ts';
import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import type { LegFact } from '../../src/conference-info/leg.ts';
import type { LinkSettings } from '../../src/conference-info/link.ts';
import { globalLink, type Meeting } from '../../src/conference-info/meeting.ts';
import { canonicalAor } from '../../src/identity/aor.ts';
import { createLog } from '../../src/log.ts';
import { createMucBridge, type MucBridge, type MucBridgeSettings } from '../../src/muc-bridge/muc-bridge.ts';
import type { XmppServer } from '../harness/servers/xmpp-server.ts';

const log = createLog({ level: process.env.TEST_LOG === 'yes' ? 'debug' : 'silent', personal: true });

let rooms = 0;

/** A bridge with a bus of its own and one link to a room of its own. */
export class Bench {
  readonly bus = createMemoryBus(log);
  readonly asks = createMemoryAsks(log);
  readonly link: LinkSettings;
  readonly #server: XmppServer;
  readonly #settings: Partial<MucBridgeSettings>;
  readonly #leases: Leases | null;
  bridge: MucBridge;

  constructor(server: XmppServer, settings: Partial<MucBridgeSettings> = {}, leases: Leases | null = null) {
    rooms += 1;
    const id = `room-${rooms}`;
    this.#server = server;
    this.#settings = settings;
    this.#leases = leases;
    this.link = {
      id,
      room: `${id}@${server.mucDomain}`,
      conference: `sip:${id}@conf.example`,
      name: `Room ${rooms}`,
      maximumUsers: 10,
    };
    this.bridge = this.#make();
  }

  get meeting(): Meeting {
    return this.bus.facts.meeting(this.link.id);
  }

  async start(): Promise<void> {
    await this.bus.start();
    await this.bridge.start();
    await this.until(
      () => this.meeting.room?.joined === true && this.meeting.room.advertised !== 'none',
      'the focus in the room',
    );
  }

  /** Ends the bridge and makes another one on the same bus. */
  async restart(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    await this.bridge.stop();
    await meanwhile();
    this.bridge = this.#make();
    await this.bridge.start();
    await this.until(() => this.bridge.ready(), 'the focus in the room again');
  }

  /** Waits for a condition on the facts. */
  async until(condition: () => boolean, what: string, limitMs = 20_000): Promise<void> {
    const end = Date.now() + limitMs;
    while (!condition()) {
      if (Date.now() > end) throw new Error(`waited in vain for ${what}: ${JSON.stringify(this.dump())}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  dump(): unknown {
    const { room, link, occupants, affiliations, voicesTaken, expulsions } = this.meeting;
    return { room, link, of: [occupants, affiliations, voicesTaken, expulsions].map((map) => [...map.values()]) };
  }

  ask(ask: Partial<RoomAsk> & Pick<RoomAsk, 'act'>) {
    const full = { link: this.link.id, by: 'operator', reason: null, to: 'room', ...ask } as RoomAsk;
    return this.asks.ask({ owner: 'room' }, full);
  }

  async call(jid: string): Promise<LegFact> {
    const aor = canonicalAor(`sip:${jid.split('@')[0]}@sip.example`)!;
    await this.bus.publish(globalLink, 'binding', aor, { aor, jid, proof: 'directory' });
    const leg: LegFact = {
      leg: `leg-${jid.split('@')[0]}`,
      instance: 'one',
      generation: 'g1',
      aor,
      proof: 'digest',
      pseudonym: 'sip:x@anonymous.invalid',
      label: 'Someone',
      method: 'dialed-in',
      status: 'connected',
      joinedAt: '2026-01-01T00:00:00.000Z',
      mutes: [],
      muted: false,
      floor: false,
      expulsion: null,
      dialogId: 'd',
      callId: 'c',
      contact: null,
      mixer: 'm',
      mixerRef: {},
    };
    await this.bus.publish(this.link.id, 'leg', leg.leg, leg);
    return leg;
  }

  #make(): MucBridge {
    const { componentPort, componentDomain, componentSecret } = this.#server;
    return createMucBridge({
      settings: {
        host: '127.0.0.1',
        port: componentPort,
        domain: componentDomain,
        secret: componentSecret,
        focus: 'focus',
        nick: 'call',
        display: 'off',
        summaryGapMs: null,
        firstDelayMs: 50,
        healAfterMs: 100,
        ...this.#settings,
      },
      links: [this.link],
      bus: this.bus,
      asks: this.asks,
      leases: this.#leases,
      log,
      instance: this.link.id,
    });
  }
}
