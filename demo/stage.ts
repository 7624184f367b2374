/** The stage of the demo: servers with throw-away data, the bridge inside this process, and the people of the tour. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createEmbeddedMixer } from '../src/embedded/mixer/embedded-mixer.ts';
import { createLog, type Logger } from '../src/log.ts';
import { type Bridge, createBridge } from '../src/service/bridge.ts';
import { readConfig } from '../src/service/config-file.ts';
import { type MeetingLink, writeBridgeFiles } from '../test/harness/meeting/bridge-config.ts';
import { castOf, displayNameOf, type Person, stranger } from '../test/harness/meeting/cast.ts';
import type { SipKind } from '../test/harness/meeting/find-stacks.ts';
import { makeAccounts, makeRooms, OWNER } from '../test/harness/meeting/furnishing.ts';
import { type MeetingParts, startParts, stopParts } from '../test/harness/meeting/meeting-parts.ts';
import { startSipSide } from '../test/harness/meeting/sip-side.ts';
import { type Place, thisMachine } from '../test/harness/servers/place.ts';
import { freePort, scratchDir } from '../test/harness/servers/process.ts';
import { SipPhone } from '../test/harness/sip/phone.ts';
import { Watcher } from '../test/harness/sip/watcher.ts';
import { XmppUser } from '../test/harness/xmpp-user.ts';
import { newLogFile } from './log-file.ts';
import { isPortTaken } from './port-taken.ts';

export interface StageOptions {
  readonly sip: SipKind;
  /** Where Prosody and nats-server run; drachtio-server and FreeSWITCH are programs of this machine. */
  readonly place: Place;
  /** A mixer that says it mutes and does not: the tour must notice (embedded only). */
  readonly brokenMixer: boolean;
  /** Taken for calls when it is free. */
  readonly sipPort: number;
}

/** Everything that runs during the demo. */
export interface Stage {
  readonly parts: MeetingParts;
  readonly bridge: Bridge;
  readonly link: MeetingLink;
  /** Where everything is written that the demo makes. */
  readonly directory: string;
  readonly configFile: string;
  readonly logFile: string;
  person(name: string): Person;
  user(name: string): Promise<XmppUser>;
  phone(name: string): Promise<SipPhone>;
  watcher(name: string): Promise<Watcher>;
  /** What an operator asks through the admin API; throws with its text when refused. */
  ask(act: string, person: string): Promise<void>;
  /** Ends the calls, subscriptions and XMPP sessions of the tour. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** What the bridge is made from, apart from the servers. */
interface Site {
  readonly options: StageOptions;
  readonly directory: string;
  readonly people: readonly Person[];
  readonly log: Logger;
}

/** The bridge, ready, and the servers that it runs on. */
interface RunningBridge {
  readonly parts: MeetingParts;
  readonly bridge: Bridge;
  readonly link: MeetingLink;
  readonly http: { readonly port: number; readonly token: string };
  readonly configFile: string;
}

/** Starts all; ends what has been started when a part fails. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { sip, sipPort, place } = options;
  const where = { place, sipPlace: thisMachine };
  const servers = await startParts({ xmpp: 'prosody', sip, sipPort, ...where, xmppServer: { directTls: true } });
  const scratch = scratchDir('demo');
  const people = castOf(servers.xmpp.domain);
  const person = (name: string): Person => people.find((one) => one.name === name) ?? stranger(name);
  const clear = async (): Promise<void> => {
    await stopParts(servers);
    scratch.remove();
  };
  try {
    await makeAccounts(servers.xmpp, people);
    await makeRooms(servers.xmpp, person(OWNER), [linkOf(servers).room]);
    const logFile = newLogFile();
    const log = createLog({ level: 'info', personal: true }, pino.destination({ dest: logFile, sync: false }));
    const running = await startOnFreePort(servers, { options, directory: scratch.path, people, log });
    const { parts, bridge, link, http, configFile } = running;
    const clients = new Clients(parts, link, person);
    return {
      ...{ parts, bridge, link, directory: scratch.path, configFile, logFile, person },
      user: (name) => clients.user(name),
      phone: (name) => clients.phone(name),
      watcher: (name) => clients.watcher(name),
      ask: (act, whom) => ask(http, link, act, whom),
      clear: () => clients.leave(),
      async close() {
        await clients.leave();
        await bridge.stop();
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

/** The embedded agent binds its port long after that was chosen: where another program has taken it by then, another is chosen. */
async function startOnFreePort(servers: MeetingParts, site: Site): Promise<RunningBridge> {
  try {
    return await startBridge(servers, site);
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    return startBridge({ ...servers, sip: await startSipSide('embedded') }, site);
  }
}

async function startBridge(parts: MeetingParts, { options, directory, people, log }: Site): Promise<RunningBridge> {
  const link = linkOf(parts);
  const http = { port: await freePort(), token: randomBytes(16).toString('hex') };
  const files = writeBridgeFiles({
    ...{ directory, instance: 'demo', links: [link], people, http },
    bus: parts.nats === null ? { kind: 'memory' } : { kind: 'nats', servers: [parts.nats.url] },
    xmpp: {
      ...{ host, port: parts.xmpp.componentPort, domain: parts.xmpp.componentDomain },
      secret: parts.xmpp.componentSecret,
    },
    sip: parts.sip.config,
    // MD5 alone: some softphones (baresip 1.0) give up at a challenge that they do not know, whatever stands beside it.
    settings: { log: { level: 'info', personal: true }, sip: { digests: ['MD5'] } },
  });
  const bridge = createBridge(readConfig(files.config, process.env), {
    log,
    ...(options.brokenMixer ? { mixer: createEmbeddedMixer({ host, log, faults: { ignoreMute: true } }) } : {}),
  });
  try {
    await bridge.start();
    await untilReady(http.port);
  } catch (error) {
    await bridge.stop();
    throw error;
  }
  return { parts, bridge, link, http, configFile: files.config };
}

/** The conference URI names this host, so that any softphone here can dial what the room advertises. */
function linkOf({ xmpp, sip }: MeetingParts): MeetingLink {
  const { port } = sip.address;
  return {
    id: 'tea',
    room: `tea@${xmpp.mucDomain}`,
    conference: `sip:tea@${host}${port === 5060 ? '' : `:${port}`}`,
    name: 'Tea round',
  };
}

/** Waits for the servers behind the bridge. */
async function untilReady(port: number): Promise<void> {
  const limit = performance.now() + 20_000;
  let last = '';
  while (performance.now() < limit) {
    const response = await fetch(`http://${host}:${port}/health/ready`);
    if (response.ok) return;
    last = await response.text();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the bridge does not become ready: ${last}`);
}

async function ask(
  http: { readonly port: number; readonly token: string },
  link: MeetingLink,
  act: string,
  person: string,
): Promise<void> {
  const response = await fetch(`http://${host}:${http.port}/admin/links/${link.id}/${act}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${http.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ person }),
  });
  if (!response.ok) throw new Error(((await response.json()) as { text: string }).text);
}

/** The real clients of the tour: XMPP sessions, phones, watchers. */
class Clients {
  readonly #parts: MeetingParts;
  readonly #link: MeetingLink;
  readonly #person: (name: string) => Person;
  #users: XmppUser[] = [];
  #phones: SipPhone[] = [];
  #watchers: Watcher[] = [];

  constructor(parts: MeetingParts, link: MeetingLink, person: (name: string) => Person) {
    this.#parts = parts;
    this.#link = link;
    this.#person = person;
  }

  async user(name: string): Promise<XmppUser> {
    const user = await XmppUser.connect(this.#parts.xmpp, name, this.#person(name).password);
    this.#users.push(user);
    return user;
  }

  async phone(name: string): Promise<SipPhone> {
    const { tone } = this.#person(name);
    const phone = await SipPhone.open({ ...this.#identity(name), tone, displayName: displayNameOf(name) });
    this.#phones.push(phone);
    return phone;
  }

  async watcher(name: string): Promise<Watcher> {
    const watcher = await Watcher.subscribe(this.#identity(name), this.#link.conference);
    this.#watchers.push(watcher);
    return watcher;
  }

  async leave(): Promise<void> {
    const leaving = [
      ...this.#watchers.map((watcher) => watcher.close()),
      ...this.#phones.map((phone) => phone.close()),
      ...this.#users.map((user) => user.disconnect()),
    ];
    this.#users = [];
    this.#phones = [];
    this.#watchers = [];
    // Somebody who was thrown out cannot say goodbye any more.
    await Promise.allSettled(leaving);
  }

  #identity(name: string) {
    const { aor, password } = this.#person(name);
    if (aor === null) throw new Error(`${name} has no phone`);
    return {
      ...{ server: this.#parts.sip.address, aor },
      ...(password === '' ? {} : { credentials: { username: name, password } }),
    };
  }
}
