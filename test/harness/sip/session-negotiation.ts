/** Offers and answers of one call (RFC 3264) and what they mean for its media. */
import type { Codec } from './g711.ts';
import type { RtpSession } from './rtp-session.ts';
import {
  answeringDirection,
  type Direction,
  ownEventType,
  type RemoteAudio,
  readDescription,
  staticType,
  writeDescription,
} from './sdp.ts';

export class SessionNegotiation {
  readonly #media: RtpSession;
  readonly #codec: Codec;
  #version = 0;
  #wish: Direction = 'sendrecv';
  #direction: Direction = 'inactive';

  constructor(media: RtpSession, codec: Codec) {
    this.#media = media;
    this.#codec = codec;
  }

  /** The direction this side wants. */
  get wish(): Direction {
    return this.#wish;
  }

  /** The direction agreed, from this side's point of view. */
  get direction(): Direction {
    return this.#direction;
  }

  /** An offer with the phone's one codec. */
  offer(wish: Direction): string {
    this.#wish = wish;
    const payloadType = staticType[this.#codec];
    this.#media.accept([{ codec: this.#codec, payloadType }]);
    return this.#write(this.#codec, payloadType, ownEventType, wish);
  }

  /** Takes the answer to the last offer. Throws when it holds no audio. */
  answered(sdp: string): void {
    const remote = readDescription(sdp);
    this.#direction = answeringDirection(remote.direction, this.#wish);
    this.#apply(remote);
  }

  /** Takes what should be an answer to the last offer; false when it is none. */
  tryAnswered(sdp: string): boolean {
    try {
      this.answered(sdp);
      return true;
    } catch {
      return false;
    }
  }

  /** Answers an offer, with the phone's codec where it is offered. Throws when there is no audio in common. */
  answer(sdp: string): string {
    const remote = readDescription(sdp);
    this.#direction = answeringDirection(remote.direction, this.#wish);
    const chosen = this.#apply(remote);
    return this.#write(chosen.codec, chosen.payloadType, remote.eventType ?? ownEventType, this.#direction);
  }

  #apply(remote: RemoteAudio): RemoteAudio['codecs'][number] {
    const chosen = remote.codecs.find(({ codec }) => codec === this.#codec) ?? remote.codecs[0];
    if (chosen === undefined) throw new Error('no G.711 in the session description');
    // A phone that puts a call on hold has nobody at the microphone: what it could send, it does not.
    const sending = this.#direction === 'sendrecv' || (this.#direction === 'sendonly' && this.#wish === 'sendrecv');
    const { host, port, eventType } = remote;
    this.#media.accept(remote.codecs);
    this.#media.sendTo({
      ...chosen,
      host,
      port,
      sending: sending && port !== 0,
      ...(eventType === undefined ? {} : { eventType }),
    });
    return chosen;
  }

  #write(codec: Codec, payloadType: number, eventType: number, direction: Direction): string {
    this.#version += 1;
    return writeDescription({
      port: this.#media.port,
      codec,
      payloadType,
      eventType,
      direction,
      version: this.#version,
    });
  }
}
