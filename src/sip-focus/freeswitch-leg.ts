/** One call leg in FreeSWITCH: its SIP dialog with us, its member in the conference, and how both begin and end. */
import { BridgeError } from '../errors.ts';
import type { FreeswitchMember } from './freeswitch-events.ts';
import type { MixerRef, MixerReport } from './mixer.ts';
import type { DialedCall } from './uac-dialer.ts';

/** Why a leg left, as the port names it. */
export type LeftCause = Extract<MixerReport, { kind: 'left' }>['cause'];

export class FreeswitchLeg {
  readonly id: string;
  readonly conference: string;
  /** Null until the call is answered, and for an adopted leg. */
  call: DialedCall | null = null;
  /** Our dialog with FreeSWITCH; null until the call is answered. */
  dialogId: string | null = null;
  /** Null until it is in the conference. */
  member: FreeswitchMember | null = null;
  muted: boolean;
  talking = false;
  /** The state ordered while there was no member to order it for. */
  wantedMute: boolean | null = null;
  /** The owner knows of it, and shall hear when it leaves. */
  reported = false;
  /** We have ordered its end. */
  ordered = false;
  /** Settles when FreeSWITCH has it in the conference; rejects when it will not. */
  readonly entered: Promise<void>;
  /** Resolves when it is over. */
  readonly gone: Promise<void>;
  isGone = false;
  #enter: () => void = () => undefined;
  #refuse: (error: BridgeError) => void = () => undefined;
  #leave: () => void = () => undefined;

  constructor(id: string, conference: string, muted: boolean) {
    this.id = id;
    this.conference = conference;
    this.muted = muted;
    this.entered = new Promise<void>((resolve, reject) => {
      this.#enter = resolve;
      this.#refuse = reject;
    });
    this.entered.catch(() => undefined); // nobody waits for it while the call is not answered
    this.gone = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  enter(member: FreeswitchMember): void {
    this.member = member;
    this.muted = member.muted;
    this.#enter();
  }

  /** It did not get in. */
  refuse(code: 'MIXER_REFUSED' | 'MIXER_UNAVAILABLE', text: string): void {
    this.#refuse(new BridgeError(code, text));
  }

  leave(): void {
    this.isGone = true;
    this.refuse('MIXER_REFUSED', 'FreeSWITCH ended the call before it was in the conference');
    this.#leave();
  }
}

const unsupportedMedia = new Set([415, 488, 606]);

/** What finds the leg again. The dialog ends it for its caller's side too; the channel is for an operator who looks for it. */
export function refOf(leg: FreeswitchLeg): MixerRef {
  return {
    ...(leg.dialogId === null ? {} : { dialog: leg.dialogId }),
    ...(leg.member === null ? {} : { channel: leg.member.channel }),
  };
}

/** The failure of a call to FreeSWITCH in the terms of the port. */
export function mixerFailure(error: unknown): BridgeError {
  if (!(error instanceof BridgeError)) {
    return new BridgeError('MIXER_UNAVAILABLE', 'A call to FreeSWITCH failed', { cause: error });
  }
  if (error.code !== 'SIP_REQUEST_FAILED') return error;
  const { status } = error.detail;
  const options = { cause: error, detail: { ...error.detail } };
  if (typeof status !== 'number' || status === 408) {
    return new BridgeError('MIXER_UNAVAILABLE', 'FreeSWITCH did not answer a call', options);
  }
  if (unsupportedMedia.has(status)) {
    return new BridgeError('MEDIA_UNSUPPORTED', 'FreeSWITCH cannot use the offer', options);
  }
  return new BridgeError('MIXER_REFUSED', 'FreeSWITCH refused a call', options);
}

/** Resolves with true when `promise` settles within the limit (ms). */
export async function settlesWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
