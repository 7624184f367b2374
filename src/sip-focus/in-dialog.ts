/** RFC 3261 12.2.2, 14.2, 15.1.2, RFC 3311: requests inside the dialog of a leg, except SUBSCRIBE. */
import { BridgeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { audioOf } from './caller-audio.ts';
import { focusHeaders, notAllowed } from './capabilities.ts';
import { hungUp } from './departures.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { Leg } from './leg.ts';
import type { Legs } from './legs.ts';
import type { Mixer } from './mixer.ts';
import { agreeTimer, type SessionTimerSettings } from './session-timer.ts';
import { failureOf } from './sip-errors.ts';

/** RFC 4028: the SIP server says BYE itself when nobody refreshes the session. */
const expired = { method: 'failed', reason: 'The phone does not answer any more', by: null } as const;

export class InDialogHandler {
  readonly #legs: Legs;
  readonly #mixer: Mixer;
  readonly #sessionTimer: SessionTimerSettings;
  readonly #log: Logger;

  constructor(legs: Legs, mixer: Mixer, sessionTimer: SessionTimerSettings, log: Logger) {
    this.#legs = legs;
    this.#mixer = mixer;
    this.#sessionTimer = sessionTimer;
    this.#log = log;
  }

  /** Answers a request on the leg's dialog. */
  async handle(request: IncomingRequest, leg: Leg): Promise<void> {
    switch (request.method) {
      case 'BYE':
        void request.respond(200);
        this.#log.info({ leg: leg.id, fromPeer: request.fromPeer }, 'a call has ended');
        return this.#legs.ended(leg, request.fromPeer ? hungUp : expired);
      case 'ACK':
        this.#legs.acknowledged(leg.dialogId);
        return this.#acknowledged(request, leg);
      case 'INVITE':
      case 'UPDATE':
        return this.#renegotiate(request, leg);
      case 'OPTIONS':
        await request.respond(200, { headers: { ...focusHeaders(leg.link), Accept: 'application/sdp' } });
        return;
      default:
        await request.respond(405, { headers: notAllowed });
    }
  }

  /** The answer to an offer of ours comes with the ACK (13.2.1); without one there is no call. */
  async #acknowledged(request: IncomingRequest, leg: Leg): Promise<void> {
    const answer = leg.awaitsAnswer;
    if (!answer) return;
    leg.awaitsAnswer = null;
    try {
      if (request.body === '') throw new BridgeError('MEDIA_UNSUPPORTED', 'The ACK has no answer to our offer');
      await answer(request.body);
      await this.#heard(leg, request.body);
    } catch (error) {
      this.#log.warn({ err: error, leg: leg.id }, 'the caller did not answer our offer');
      await this.#legs.end(leg, { status: 488, text: 'No usable answer to the offer' });
    }
  }

  async #renegotiate(request: IncomingRequest, leg: Leg): Promise<void> {
    const timer = agreeTimer(request, this.#sessionTimer);
    if (timer.act === 'refuse') {
      await request.respond(422, { headers: { 'Min-SE': String(timer.minimum) } });
      return;
    }
    // 14.2: one exchange at a time.
    if (leg.negotiating || leg.awaitsAnswer) {
      await request.respond(491);
      return;
    }
    leg.negotiating = true;
    try {
      const body = await this.#answerTo(request, leg);
      if (leg.state === 'ended') {
        await request.respond(481);
        return;
      }
      const type = body === null ? {} : { 'Content-Type': 'application/sdp' };
      const headers = { ...focusHeaders(leg.link), ...timer.headers, ...type };
      const sent = await request.respond(200, { headers, ...(body === null ? {} : { body }) });
      if (sent && request.body !== '') await this.#heard(leg, request.body);
    } catch (error) {
      const { status, options } = failureOf(error);
      this.#log.warn({ err: error, leg: leg.id, status }, 'a call could not be renegotiated');
      await request.respond(status, options);
    } finally {
      leg.negotiating = false;
    }
  }

  /** Our SDP for the answer: to their offer, or what stands as a new offer; null for an UPDATE that only refreshes the session. */
  async #answerTo(request: IncomingRequest, leg: Leg): Promise<string | null> {
    if (request.body !== '') {
      leg.sdp = await this.#mixer.renegotiate(leg.id, request.body);
      return leg.sdp;
    }
    if (request.method === 'UPDATE') return null;
    leg.awaitsAnswer = async (sdp) => {
      leg.sdp = await this.#mixer.renegotiate(leg.id, sdp);
    };
    return leg.sdp;
  }

  /** What the caller's SDP says of their audio is so now. */
  async #heard(leg: Leg, sdp: string): Promise<void> {
    const { direction, held, sourceId } = audioOf(sdp);
    const status = held ? 'on-hold' : 'connected';
    const { fact } = leg;
    const source = sourceId ?? fact.sourceId;
    const same = fact.status === status && fact.direction === direction && fact.sourceId === source;
    if (leg.state !== 'up' || same) return;
    await this.#legs.change(leg, { status, direction, ...(source === undefined ? {} : { sourceId: source }) });
  }
}
