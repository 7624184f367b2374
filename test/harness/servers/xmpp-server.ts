/** What the tests ask of an XMPP server, whichever it is: accounts, rooms, and a component (XEP-0114) for the bridge. */
import { findEjabberd, startEjabberd } from './ejabberd.ts';
import type { Place } from './place.ts';
import { findProsody, startProsody } from './prosody.ts';

export type XmppServerKind = 'prosody' | 'ejabberd';

/** How a server is wanted. */
export interface XmppServerOptions {
  /** Whether this project's server modules (`deploy/`) are loaded; true when absent. */
  readonly modules?: boolean;
  /** A further port for people's clients, with TLS from the first byte and a certificate of its own (Prosody only). */
  readonly directTls?: boolean;
  /** Options of the audio-video-uri module. */
  readonly avuri?: {
    readonly setBy?: 'owner' | 'admin';
    readonly allowedHosts?: readonly string[];
    readonly clarkNamespace?: string;
  };
}

/** A running XMPP server on 127.0.0.1, without TLS. Ports and names stay the same over `restart`. */
export interface XmppServer {
  readonly kind: XmppServerKind;
  /** Where accounts live. */
  readonly domain: string;
  /** The MUC service. `focus@<componentDomain>` is owner of all its rooms. */
  readonly mucDomain: string;
  readonly componentDomain: string;
  readonly componentPort: number;
  readonly componentSecret: string;
  /** A second component of its own, for other occupants than the bridge's; same port and secret. */
  readonly otherComponentDomain: string;
  readonly c2sPort: number;
  /** Null without. */
  readonly directTlsPort: number | null;
  readonly options: { readonly modules: boolean };
  /** Makes an account `name@domain`. */
  addUser(name: string, password: string): Promise<void>;
  removeUser(name: string): Promise<void>;
  /** Ends it as an operator would, when it runs, and starts it again with the same data. */
  restart(): Promise<void>;
  /** Ends it as an operator would; `restart` brings it back with its data. */
  shutDown(): Promise<void>;
  /** SIGKILL: a crash. `restart` brings it back with what it had stored. */
  kill(): Promise<void>;
  /** Ends it without ado and removes its data: the end of a test. */
  stop(): Promise<void>;
  /** What it wrote since its last start. */
  log(): string;
}

/** Names and secrets that both servers use. */
export const XMPP_NAMES = {
  domain: 'xmpp.test',
  mucDomain: 'rooms.xmpp.test',
  componentDomain: 'bridge.xmpp.test',
  otherComponentDomain: 'other.xmpp.test',
  componentSecret: 'component-secret-of-the-tests',
} as const;

/** The servers this machine has. */
export function findXmppServers(): XmppServerKind[] {
  const found: XmppServerKind[] = [];
  if (findProsody() !== null) found.push('prosody');
  if (findEjabberd() !== null) found.push('ejabberd');
  return found;
}

/** Starts the named server, on this machine when no place is named; throws when there is none. */
export function startXmppServer(
  kind: XmppServerKind,
  options: XmppServerOptions = {},
  place?: Place,
): Promise<XmppServer> {
  return kind === 'prosody' ? startProsody(options, place) : startEjabberd(options, place);
}
