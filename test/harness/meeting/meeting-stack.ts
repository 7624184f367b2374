/** A whole meeting on this machine: XMPP server, bus, SIP, the bridge as a process of its own, and the people who use them. */
import { randomBytes } from 'node:crypto';
import type { DrachtioServer } from '../servers/drachtio.ts';
import type { FreeswitchServer } from '../servers/freeswitch.ts';
import type { NatsServer } from '../servers/nats.ts';
import { freePort, type ScratchDir, scratchDir } from '../servers/process.ts';
import type { XmppServer } from '../servers/xmpp-server.ts';
import { type PhoneOptions, SipPhone } from '../sip/phone.ts';
import { Watcher } from '../sip/watcher.ts';
import { XmppUser } from '../xmpp-user.ts';
import { type BridgeFiles, type MeetingLink, type Settings, writeBridgeFiles } from './bridge-config.ts';
import { BridgeProcess } from './bridge-process.ts';
import { castOf, displayNameOf, type Person, stranger } from './cast.ts';
import { type StackKind, stackName } from './find-stacks.ts';
import { type LinkOptions, linkOf, makeAccounts, makeRooms, OWNER } from './furnishing.ts';
import { type MeetingParts, type PartsOptions, startParts, stopParts } from './meeting-parts.ts';

/** How a stack is wanted. */
export interface MeetingStackOptions extends PartsOptions {
  /** One link per test of a file, so that tests do not disturb each other; `['tea']` when absent. */
  readonly links?: ReadonlyArray<string | LinkOptions>;
  /** Additions to the configuration of the bridge. */
  readonly settings?: Settings;
  /** False: the bridge is made, but not started. */
  readonly startBridge?: boolean;
}

/** With `server` another is called than that of the stack: a proxy before it. */
type PhoneWishes = Partial<PhoneOptions>;
type WatcherWishes = Partial<Parameters<typeof Watcher.subscribe>[0]>;

/** What belongs to one stack, and ends with it. */
interface Site extends MeetingParts {
  readonly scratch: ScratchDir;
  readonly links: readonly MeetingLink[];
  readonly people: readonly Person[];
  readonly settings: Settings;
  readonly kind: StackKind;
}

/** Everything that runs, on 127.0.0.1. */
export class MeetingStack {
  readonly kind: StackKind;
  readonly name: string;
  readonly xmpp: XmppServer;
  readonly bridge: BridgeProcess;
  /** What the bridge was configured with. */
  readonly files: BridgeFiles;
  readonly links: readonly MeetingLink[];
  readonly people: readonly Person[];
  /** Where phones call, by UDP and TCP. */
  readonly sipServer: { readonly host: string; readonly port: number };
  readonly #site: Site;
  readonly #sessions = new Map<string, Promise<XmppUser>>();
  readonly #users: XmppUser[] = [];
  #phones: SipPhone[] = [];
  #watchers: Watcher[] = [];

  /** Use `startMeetingStack`. */
  constructor(site: Site, bridge: BridgeProcess, files: BridgeFiles) {
    this.#site = site;
    this.kind = site.kind;
    this.name = stackName(site.kind);
    this.xmpp = site.xmpp;
    this.sipServer = site.sip.address;
    this.links = site.links;
    this.people = site.people;
    this.bridge = bridge;
    this.files = files;
  }

  /** Throws when the stack was started without. */
  get nats(): NatsServer {
    return present(this.#site.nats, 'nats-server');
  }

  /** Throws on an embedded stack. */
  get drachtio(): DrachtioServer {
    return present(this.#site.sip.drachtio, 'drachtio-server');
  }

  /** Throws on an embedded stack. */
  get freeswitch(): FreeswitchServer {
    return present(this.#site.sip.freeswitch, 'FreeSWITCH');
  }

  /** Conference URI of the first link. */
  get conference(): string {
    return this.links[0]!.conference;
  }

  /** Room of the first link. */
  get room(): string {
    return this.links[0]!.room;
  }

  link(id: string): MeetingLink {
    const found = this.links.find((link) => link.id === id);
    if (found === undefined) throw new Error(`this stack has no link ${id}`);
    return found;
  }

  /** Somebody of the cast, or a stranger who can prove nothing. */
  person(name: string): Person {
    return this.people.find((person) => person.name === name) ?? stranger(name);
  }

  /** The XMPP session of one of the cast: the same one while it lasts. */
  user(name: string): Promise<XmppUser> {
    const before = this.#sessions.get(name) ?? this.newUser(name);
    const session = before.then(
      (user) => (user.connected ? user : this.newUser(name)),
      () => this.newUser(name),
    );
    this.#sessions.set(name, session);
    return session;
  }

  /** A further XMPP session of one of the cast. */
  async newUser(name: string, resource?: string): Promise<XmppUser> {
    const { password } = this.person(name);
    const user = await XmppUser.connect(this.xmpp, name, password, resource === undefined ? {} : { resource });
    this.#users.push(user);
    return user;
  }

  /** A phone of somebody's; it answers challenges with the account of the cast, and sends the person's tone. */
  async phone(name: string, wishes: PhoneWishes = {}): Promise<SipPhone> {
    const { tone } = this.person(name);
    const identity = { ...this.#identity(name), displayName: displayNameOf(name) };
    const phone = await SipPhone.open({ server: this.sipServer, tone, ...identity, ...wishes });
    this.#phones.push(phone);
    return phone;
  }

  /** Subscribes somebody to the state of a conference. */
  async watcher(name: string, conference: string, wishes: WatcherWishes = {}): Promise<Watcher> {
    const options = { server: this.sipServer, ...this.#identity(name), ...wishes };
    const watcher = await Watcher.subscribe(options, conference);
    this.#watchers.push(watcher);
    return watcher;
  }

  /** Ends the calls and subscriptions of all phones and watchers opened so far; throws what a watcher found wrong. */
  async hangUpAll(): Promise<void> {
    const [watchers, phones] = [this.#watchers, this.#phones];
    this.#watchers = [];
    this.#phones = [];
    // Watchers first: one inside a call needs the phone for its last NOTIFY.
    const ends = await Promise.allSettled(watchers.map((watcher) => watcher.close()));
    ends.push(...(await Promise.allSettled(phones.map((phone) => phone.close()))));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Ends everything, whatever state it is in. */
  async stop(): Promise<void> {
    await this.hangUpAll().catch(() => undefined); // the end of a test reports it, the end of a stack must go on
    for (const user of this.#users) user.drop();
    await this.bridge.stop();
    await stopParts(this.#site);
    this.#site.scratch.remove();
  }

  #identity(name: string): { aor: string; credentials?: { username: string; password: string } } {
    const { aor, password } = this.person(name);
    if (aor === null) throw new Error(`${name} has no SIP account`);
    return password === '' ? { aor } : { aor, credentials: { username: name, password } };
  }
}

function present<T>(part: T | null, what: string): T {
  if (part === null) throw new Error(`this stack has no ${what}`);
  return part;
}

/** Starts all servers side by side, then the bridge, and resolves when that is ready; ends everything when a part fails. */
export async function startMeetingStack(options: MeetingStackOptions): Promise<MeetingStack> {
  const parts = await startParts(options);
  const scratch = scratchDir('bridge');
  const wishes = (options.links ?? ['tea']).map((link) => (typeof link === 'string' ? { id: link } : link));
  const site: Site = {
    ...parts,
    scratch,
    kind: options,
    links: wishes.map((link) => linkOf(link, parts.xmpp.mucDomain)),
    people: castOf(parts.xmpp.domain),
    settings: options.settings ?? {},
  };
  const { bridge, files } = await makeBridge(site);
  const stack = new MeetingStack(site, bridge, files);
  try {
    await makeAccounts(site.xmpp, site.people);
    const rooms = wishes.filter(({ roomExists }) => roomExists !== false).map(({ id }) => stack.link(id).room);
    await makeRooms(site.xmpp, stack.person(OWNER), rooms);
    if (options.startBridge !== false) await bridge.start();
    return stack;
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function makeBridge(site: Site): Promise<{ bridge: BridgeProcess; files: BridgeFiles }> {
  const { xmpp, nats, sip } = site;
  const http = { port: await freePort(), token: randomBytes(16).toString('hex') };
  const files = writeBridgeFiles({
    directory: site.scratch.path,
    instance: 'bridge-1',
    bus: nats === null ? { kind: 'memory' } : { kind: 'nats', servers: [nats.url] },
    xmpp: { host: '127.0.0.1', port: xmpp.componentPort, domain: xmpp.componentDomain, secret: xmpp.componentSecret },
    sip: sip.config,
    links: site.links,
    people: site.people,
    http,
    settings: site.settings,
  });
  const bridge = new BridgeProcess({ configFile: files.config, httpPort: http.port, token: http.token });
  return { bridge, files };
}
