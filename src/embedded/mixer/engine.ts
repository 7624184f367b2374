/** The mixer proper, as it runs in its worker thread: legs, conferences and the clock that drives them. */
import { TickClock } from './clock.ts';
import { Conference } from './conference.ts';
import { Leg } from './leg.ts';
import { MediaPorts } from './media-ports.ts';
import type { LegReport, MixerHealth, WorkerOrder, WorkerOrders, WorkerSettings } from './worker-protocol.ts';

/** The result of an order, or why it is refused. */
export type Outcome = { readonly result: unknown } | { readonly refused: string };

type Result<K extends keyof WorkerOrders> =
  | { readonly result: WorkerOrders[K]['result'] }
  | { readonly refused: string };

/** Legs are looked over for lost media once a second. */
const ticksBetweenReviews = 50;

/** Carries out orders and reports what happens to the legs. */
export class MixerEngine {
  readonly #settings: WorkerSettings;
  readonly #report: (report: LegReport) => void;
  readonly #ports: MediaPorts;
  readonly #legs = new Map<string, Leg>();
  readonly #opening = new Set<string>();
  readonly #conferences = new Map<string, Conference<Leg>>();
  readonly #clock: TickClock;

  constructor(settings: WorkerSettings, report: (report: LegReport) => void) {
    this.#settings = settings;
    this.#report = report;
    this.#ports = new MediaPorts(settings.host, settings.portRange);
    this.#clock = new TickClock({
      now: () => performance.now(),
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      tick: (now) => this.#tick(now),
      skip: (ticks) => {
        for (const conference of this.#conferences.values()) conference.skip(ticks);
      },
    });
  }

  start(): void {
    this.#clock.start();
  }

  /** Stops the clock and closes every socket, without reports. */
  stop(): void {
    this.#clock.stop();
    for (const leg of this.#legs.values()) leg.close();
    this.#legs.clear();
    this.#conferences.clear();
  }

  /** Carries out one order. */
  async obey(order: WorkerOrder): Promise<Outcome> {
    switch (order.kind) {
      case 'open':
        return this.#open(order);
      case 'media':
        return this.#change(order.leg, (leg) => leg.configure(order.media));
      case 'mute':
        if (order.leg === this.#settings.faults.dieAtMuteOf) throw new Error('The mixer is to die here (test only).');
        return this.#change(order.leg, (leg) => leg.mute(order.muted));
      case 'close':
        this.#drop(order.leg, 'ordered');
        return { result: null };
      case 'list':
        return { result: [...this.#legs.values()].map((leg) => leg.state()) };
      case 'health':
        return { result: this.#health() };
    }
  }

  async #open(order: WorkerOrders['open']['order']): Promise<Result<'open'>> {
    if (this.#legs.has(order.leg) || this.#opening.has(order.leg)) return { refused: 'the leg is already there' };
    this.#opening.add(order.leg);
    const socket = await this.#ports.open();
    this.#opening.delete(order.leg);
    if (socket === undefined) return { refused: 'no free media port' };
    const leg = new Leg({
      ...order,
      socket,
      mediaTimeout: this.#settings.mediaTimeout,
      ignoreMute: this.#settings.faults.ignoreMute ?? false,
      report: this.#report,
    });
    this.#legs.set(leg.id, leg);
    const conference = this.#conferences.get(leg.conference) ?? new Conference<Leg>();
    this.#conferences.set(leg.conference, conference);
    conference.legs.add(leg);
    return { result: { port: socket.address().port } };
  }

  #change(id: string, change: (leg: Leg) => void): Outcome {
    const leg = this.#legs.get(id);
    if (leg === undefined) return { refused: 'no such leg' };
    change(leg);
    return { result: null };
  }

  #drop(id: string, cause: 'ordered' | 'media-timeout'): void {
    const leg = this.#legs.get(id);
    if (leg === undefined) return;
    this.#legs.delete(id);
    const conference = this.#conferences.get(leg.conference);
    conference?.legs.delete(leg);
    if (conference?.legs.size === 0) this.#conferences.delete(leg.conference);
    leg.close();
    this.#report({ kind: 'left', leg: id, cause });
  }

  #tick(now: number): void {
    for (const conference of this.#conferences.values()) conference.tick(now);
    if (this.#clock.ticks % ticksBetweenReviews !== 0) return;
    for (const leg of [...this.#legs.values()]) if (leg.silentTooLong(now)) this.#drop(leg.id, 'media-timeout');
  }

  #health(): MixerHealth {
    let latePackets = 0;
    let concealedFrames = 0;
    for (const { receiver } of this.#legs.values()) {
      latePackets += receiver.ring.counts.late;
      concealedFrames += receiver.ring.counts.concealed;
    }
    const { ticks, skipped } = this.#clock;
    const latenessP99 = this.#clock.latenessP99();
    return { legs: this.#legs.size, ticks, skipped, latenessP99, latePackets, concealedFrames };
  }
}
