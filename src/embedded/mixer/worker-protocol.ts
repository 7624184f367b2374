/** What the main thread and the mixer's worker thread say to each other: plain data, one order and one reply with the same id. */
import type { Law } from './g711.ts';
import type { MediaAddress } from './source-latch.ts';

/** What we do with a leg's media, as our SDP says it (RFC 3264 5.1). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** The outcome of an offer and its answer. */
export interface LegMedia {
  /** The law and payload type we send. */
  readonly law: Law;
  readonly payloadType: number;
  /** Payload type of telephone events that may come, or null. */
  readonly dtmfPayloadType: number | null;
  readonly direction: Direction;
  /** Where the peer wants its media; null when its SDP holds no usable address: then only symmetric RTP finds it. */
  readonly remote: MediaAddress | null;
}

/** How the worker is doing; times in milliseconds. */
export interface MixerHealth {
  readonly legs: number;
  /** Ticks since the start, and ticks left out because the thread was too late. */
  readonly ticks: number;
  readonly skipped: number;
  /** How late ticks began, over the last 10 s or so. */
  readonly latenessP99: number;
  /** Packets of all present legs that came too late to be played, and frames that concealment bridged. */
  readonly latePackets: number;
  readonly concealedFrames: number;
}

/** One leg as the worker knows it. */
export interface LegState {
  readonly leg: string;
  readonly conference: string;
  readonly muted: boolean;
  readonly talking: boolean;
}

/** Orders, by kind: what they carry and what their reply carries. */
export interface WorkerOrders {
  open: { order: { leg: string; conference: string; muted: boolean }; result: { port: number } };
  media: { order: { leg: string; media: LegMedia }; result: null };
  mute: { order: { leg: string; muted: boolean }; result: null };
  close: { order: { leg: string }; result: null };
  list: { order: Record<never, never>; result: LegState[] };
  health: { order: Record<never, never>; result: MixerHealth };
}

/** An order on its way to the worker. */
export type WorkerOrder = { [K in keyof WorkerOrders]: { kind: K } & WorkerOrders[K]['order'] }[keyof WorkerOrders];

/** Main thread to worker. */
export interface WorkerRequest {
  readonly id: number;
  readonly order: WorkerOrder;
}

/** What a leg reports by itself. */
export type LegReport =
  | { readonly kind: 'muted'; readonly leg: string; readonly muted: boolean }
  | { readonly kind: 'talking'; readonly leg: string; readonly talking: boolean }
  | { readonly kind: 'dtmf'; readonly leg: string; readonly digit: string; readonly ms: number }
  | { readonly kind: 'left'; readonly leg: string; readonly cause: 'ordered' | 'media-timeout' | 'failed' };

/** Worker to main thread. `refused` is the reason in words. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: string }
  | { readonly kind: 'report'; readonly report: LegReport };

/** TEST ONLY: ways to break the mixer on purpose, so that it can be shown that a check notices it. Never set in service. */
export interface MixerFaults {
  /** Muted legs are mixed all the same. */
  readonly ignoreMute?: boolean;
  /** The worker thread dies when it is to mute this leg. */
  readonly dieAtMuteOf?: string;
}

/** What the worker is started with. */
export interface WorkerSettings {
  readonly host: string;
  /** First and last UDP port for media, or null for any free port. */
  readonly portRange: readonly [number, number] | null;
  /** A leg that owes us media and sends none for so long (ms) is dropped. */
  readonly mediaTimeout: number;
  readonly faults: MixerFaults;
}
