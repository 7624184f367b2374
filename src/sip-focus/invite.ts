/** RFC 3261 13.3, RFC 4353 3.1, RFC 4579 5.1: a call to a conference is let in, answered and joined to the mix. */
import { randomBytes } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { LegFact } from '../conference-info/leg.ts';
import type { LinkSettings } from '../conference-info/link.ts';
import type { Meeting } from '../conference-info/meeting.ts';
import type { Aor } from '../identity/aor.ts';
import type { Logger } from '../log.ts';
import { admit, mustLeave } from '../policy/admission.ts';
import { wantedMutes } from '../policy/media-rights.ts';
import type { PolicySettings } from '../policy/settings.ts';
import { accepts } from './accept-header.ts';
import type { CallRate } from './call-rate.ts';
import { audioOf } from './caller-audio.ts';
import { cascadedFocus, contactAddress, languagesOf } from './caller-details.ts';
import { type CallerIdentity, isTrusted, type TrustedPeer } from './caller-identity.ts';
import { focusHeaders, unsupported } from './capabilities.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { newLeg } from './leg.ts';
import type { Legs } from './legs.ts';
import type { Mirror } from './mirror.ts';
import type { JoinedLeg, Mixer } from './mixer.ts';
import type { NumberMask } from './number-mask.ts';
import { agreeTimer, type SessionTimerSettings } from './session-timer.ts';
import { failureOf, retryAfter } from './sip-errors.ts';

/** Where an incoming call is at home. */
export interface InviteContext {
  readonly bus: Bus;
  readonly mixer: Mixer;
  readonly legs: Legs;
  readonly mirror: Mirror;
  readonly policy: PolicySettings;
  readonly sessionTimer: SessionTimerSettings;
  readonly instance: string;
  readonly generation: string;
  readonly mask: NumberMask;
  /** Most calls that may be on their way in at once; more get 503. */
  readonly maximumPending: number;
  readonly callRate: CallRate;
  /** Who may call as often as they like, for all their callers. */
  readonly trustedPeers: readonly TrustedPeer[];
  readonly log: Logger;
}

const sdpType = 'application/sdp';
/** A caller who has to wait longer than this for the mixer hears ringing. */
const ringAfterMs = 200;

/** What of the leg's fact stands in the INVITE. Of who wants privacy nothing that leads to them is kept. */
function toldBy(request: IncomingRequest, withheld: boolean) {
  const contact = request.header('Contact');
  const focus = withheld ? null : cascadedFocus(contact);
  const languages = languagesOf(request.header('Accept-Language'));
  const audio = request.body === '' ? null : audioOf(request.body);
  return {
    status: audio?.held ? ('on-hold' as const) : ('connected' as const),
    contact: withheld ? null : contactAddress(contact),
    callId: request.callId,
    ...(request.fromTag === null ? {} : { fromTag: request.fromTag }),
    ...(audio === null ? {} : { direction: audio.direction }),
    ...(audio?.sourceId == null ? {} : { sourceId: audio.sourceId }),
    ...(languages.length === 0 ? {} : { languages }),
    ...(focus === null ? {} : { cascadedFocus: focus }),
  };
}

interface Refused {
  readonly status: number;
  readonly reason?: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class InviteHandler {
  readonly #context: InviteContext;
  /** Calls on their way in, by leg id. */
  readonly #pending = new Map<string, { readonly link: string; readonly aor: Aor | null }>();

  constructor(context: InviteContext) {
    this.#context = context;
  }

  /** Answers an INVITE outside of dialogs, whose caller is known. */
  async handle(request: IncomingRequest, link: LinkSettings, identity: CallerIdentity): Promise<void> {
    const refused = this.#refusal(request) ?? this.#tooOften(request, link, identity);
    if (refused) {
      await request.respond(refused.status, refused);
      return;
    }
    const { bus, policy } = this.#context;
    const { bindings } = bus.facts;
    const meeting = bus.facts.meeting(link.id);
    const admission = admit(identity.aor, link, meeting, bindings, policy, this.#arriving(meeting));
    if (admission.act === 'refuse') {
      this.#context.log.info({ link: link.id, status: admission.status }, 'a caller is not let in');
      const headers = admission.status === 503 ? { 'Retry-After': retryAfter() } : {};
      await request.respond(admission.status, { reason: admission.text, headers });
      return;
    }
    const candidate = this.#candidate(request, link, identity, admission.expulsion);
    this.#pending.set(candidate.leg, { link: link.id, aor: candidate.aor });
    try {
      await this.#join(request, link, candidate);
    } finally {
      this.#pending.delete(candidate.leg);
    }
  }

  /** Calls on their way in that are no legs yet: a leg is published before its INVITE is done with, and must not count twice. */
  #arriving({ id, legs }: Meeting): readonly { readonly aor: Aor | null }[] {
    return [...this.#pending].flatMap(([leg, call]) => (call.link === id && !legs.has(leg) ? [call] : []));
  }

  /** The last question before admission: a call that is refused for what it asks for is none of many. */
  #tooOften(request: IncomingRequest, link: LinkSettings, { aor }: CallerIdentity): Refused | null {
    const { callRate, trustedPeers, log } = this.#context;
    const { address } = request.source;
    if (isTrusted(request.source, trustedPeers)) return null;
    const wait = callRate.take(address, aor, performance.now());
    if (wait === null) return null;
    log.info({ link: link.id, peer: address, wait }, 'a caller calls too often');
    return { status: 503, reason: 'Too many calls', headers: { 'Retry-After': String(wait) } };
  }

  #refusal(request: IncomingRequest): Refused | null {
    const unknown = unsupported(request.header('Require'));
    if (unknown.length > 0) return { status: 420, headers: { Unsupported: unknown.join(', ') } };
    const timer = agreeTimer(request, this.#context.sessionTimer);
    if (timer.act === 'refuse') return { status: 422, headers: { 'Min-SE': String(timer.minimum) } };
    const type = request.header('Content-Type')?.split(';')[0]?.trim().toLowerCase();
    if (request.body !== '' && type !== sdpType) return { status: 415, headers: { Accept: sdpType } };
    if (!accepts(request.header('Accept'), sdpType)) return { status: 406, headers: { Accept: sdpType } };
    if (request.header('Contact') === null) return { status: 400, headers: {} };
    if (!this.#context.mixer.ready() || this.#pending.size >= this.#context.maximumPending) {
      return { status: 503, headers: { 'Retry-After': retryAfter() } };
    }
    return null;
  }

  /** The fact of the leg as it will be, with the mutes that must stand from the first packet on. */
  #candidate(
    request: IncomingRequest,
    link: LinkSettings,
    identity: CallerIdentity,
    expulsion: string | null,
  ): LegFact {
    const { instance, generation, mixer, mask } = this.#context;
    const masked = identity.aor === null || identity.withheld ? null : mask.entityOf(identity.aor, link.id);
    return {
      leg: `leg-${randomBytes(12).toString('hex')}`,
      instance,
      generation,
      aor: identity.aor,
      proof: identity.proof,
      pseudonym: `sip:${randomBytes(8).toString('hex')}@anonymous.invalid`,
      ...(masked === null ? {} : { masked }),
      label: identity.label,
      ...(identity.withheld ? { withheld: true } : {}),
      method: 'dialed-in',
      joinedAt: new Date().toISOString(),
      mutes: [],
      muted: false,
      floor: false,
      expulsion,
      dialogId: `${request.callId};from-tag=${request.fromTag ?? ''}`,
      mixer: mixer.name,
      mixerRef: {},
      ...toldBy(request, identity.withheld),
    };
  }

  #mutesOf(fact: LegFact, link: LinkSettings): LegFact['mutes'] {
    const { bus, policy } = this.#context;
    return wantedMutes(fact, bus.facts.meeting(link.id), bus.facts.bindings, policy);
  }

  async #join(request: IncomingRequest, link: LinkSettings, candidate: LegFact): Promise<void> {
    const { mixer, bus, policy } = this.#context;
    const mutes = this.#mutesOf(candidate, link);
    const muted = mutes.length > 0;
    const ringing = setTimeout(() => void request.respond(180, { headers: focusHeaders(link) }), ringAfterMs);
    let joined: JoinedLeg;
    try {
      const offer = request.body === '' ? null : request.body;
      joined = await mixer.join({ conference: link.id, leg: candidate.leg, offer, muted });
    } catch (error) {
      const { status, options } = failureOf(error);
      this.#context.log.warn({ err: error, link: link.id, status }, 'the mixer did not take a call');
      await request.respond(status, options);
      return;
    } finally {
      clearTimeout(ringing);
    }
    const fact = { ...candidate, mutes, muted, mixerRef: joined.ref };
    // The facts may have changed while the mixer worked.
    const leave = mustLeave(fact, bus.facts.meeting(link.id), bus.facts.bindings, policy);
    if (leave && !request.cancelled) await request.respond(leave.status, { reason: leave.text });
    if (leave || request.cancelled) {
      await this.#abandon(fact.leg);
      return;
    }
    await this.#answer(request, link, fact, joined);
  }

  async #answer(request: IncomingRequest, link: LinkSettings, fact: LegFact, joined: JoinedLeg): Promise<void> {
    const { legs, mirror } = this.#context;
    const timer = agreeTimer(request, this.#context.sessionTimer);
    const headers = {
      ...focusHeaders(link),
      ...(timer.act === 'agree' ? timer.headers : {}),
      'Content-Type': sdpType,
    };
    const leg = newLeg(link, fact, request.connection, joined);
    if (request.body === '') leg.awaitsAnswer = (sdp) => joined.answer(sdp);
    // Known before the 200 goes, so that a BYE or an ACK right behind it finds its leg.
    if (!legs.reserve(leg)) {
      // The same call came here twice, by two ways (8.2.2.2).
      await request.respond(482);
      await this.#abandon(leg.id);
      return;
    }
    legs.answering(leg);
    const sent = await request.respond(200, { headers, body: joined.sdp });
    if (!sent || request.cancelled) {
      await legs.ended(leg);
      return;
    }
    if (leg.state === 'ended') return;
    await legs.change(leg, sent.toTag === null ? {} : { toTag: sent.toTag });
    this.#context.log.info({ link: link.id, leg: leg.id, muted: fact.muted }, 'a call has joined');
    mirror.compare(leg);
  }

  async #abandon(leg: string): Promise<void> {
    try {
      await this.#context.mixer.remove(leg);
    } catch (error) {
      this.#context.log.warn({ err: error, leg }, 'a call that was given up could not be removed from the mixer');
    }
  }
}
