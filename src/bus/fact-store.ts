/** What both buses share: the facts as this process knows them, and who wants to hear of them. */
import type { FactKind, FactValues, Meeting } from '../conference-info/meeting.ts';
import type { Binding, Bindings } from '../identity/binding.ts';
import type { Logger } from '../log.ts';
import { withTrace } from '../trace.ts';
import type { FactEvent, Facts } from './bus.ts';

/** A meeting whose maps this store may change; readers see it as `Meeting`. */
interface OpenMeeting {
  id: string;
  link: Meeting['link'];
  room: Meeting['room'];
  occupants: Map<string, FactValues['occupant']>;
  affiliations: Map<string, FactValues['affiliation']>;
  voicesTaken: Map<string, FactValues['voice-taken']>;
  expulsions: Map<string, FactValues['expulsion']>;
  legs: Map<string, FactValues['leg']>;
  departures: Map<string, FactValues['departure']>;
  callerBans: Map<string, FactValues['caller-ban']>;
  watchers: Map<string, FactValues['watcher']>;
}

const emptyMeeting = (id: string): OpenMeeting => ({
  id,
  link: null,
  room: null,
  occupants: new Map(),
  affiliations: new Map(),
  voicesTaken: new Map(),
  expulsions: new Map(),
  legs: new Map(),
  departures: new Map(),
  callerBans: new Map(),
  watchers: new Map(),
});

/** Where a meeting keeps the facts of each kind that it can have several of. */
export const mapOfKind = {
  occupant: 'occupants',
  affiliation: 'affiliations',
  'voice-taken': 'voicesTaken',
  expulsion: 'expulsions',
  leg: 'legs',
  departure: 'departures',
  'caller-ban': 'callerBans',
  watcher: 'watchers',
} as const satisfies Record<Exclude<FactKind, 'link' | 'room' | 'binding'>, keyof Meeting>;

/** Holds current facts and tells listeners of each change, one after another, in order. */
export class FactStore implements Facts {
  readonly #meetings = new Map<string, OpenMeeting>();
  readonly #bindings = new Map<string, Binding>();
  readonly #listeners = new Set<(event: FactEvent) => void>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  get bindings(): Bindings {
    return this.#bindings;
  }

  links(): readonly string[] {
    return [...this.#meetings.keys()];
  }

  meeting(link: string): Meeting {
    return this.#open(link);
  }

  #open(link: string): OpenMeeting {
    const known = this.#meetings.get(link);
    if (known) return known;
    const made = emptyMeeting(link);
    this.#meetings.set(link, made);
    return made;
  }

  /** The value that stands under a kind and key, or null. */
  get<K extends FactKind>(link: string, kind: K, key: string): FactValues[K] | null {
    if (kind === 'binding') return (this.#bindings.get(key) ?? null) as FactValues[K] | null;
    const meeting = this.#meetings.get(link);
    if (!meeting) return null;
    if (kind === 'link' || kind === 'room') return meeting[kind as 'link' | 'room'] as FactValues[K] | null;
    return (meeting[mapOfKind[kind as keyof typeof mapOfKind]].get(key) ?? null) as FactValues[K] | null;
  }

  /** Takes a fact in and returns what stood before. */
  set<K extends FactKind>(link: string, kind: K, key: string, value: FactValues[K] | null): FactValues[K] | null {
    const previous = this.get(link, kind, key);
    if (kind === 'link' || kind === 'room') {
      Object.assign(this.#open(link), { [kind]: value });
      return previous;
    }
    const map = (
      kind === 'binding' ? this.#bindings : this.#open(link)[mapOfKind[kind as keyof typeof mapOfKind]]
    ) as Map<string, FactValues[K]>;
    if (value === null) map.delete(key);
    else map.set(key, value);
    return previous;
  }

  /** Takes a fact in and tells the listeners, under the trace of its cause, which may have begun in another process. */
  apply<K extends FactKind>(link: string, kind: K, key: string, value: FactValues[K] | null, trace?: string): void {
    const previous = this.set(link, kind, key, value);
    const event = { link, kind, key, value, previous, trace } as FactEvent;
    if (trace === undefined) this.#tell(event);
    else withTrace(() => this.#tell(event), trace);
  }

  #tell(event: FactEvent): void {
    const { link, kind, value } = event;
    this.#log.debug({ link, kind, withdrawn: value === null }, 'a fact has changed');
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error({ err: error, link, kind }, 'a listener to facts failed');
      }
    }
  }

  listen(listener: (event: FactEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
