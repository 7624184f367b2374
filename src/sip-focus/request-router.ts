/** RFC 3261 8.2: which part of the focus answers a request, and what is refused before any part sees it. */
import type { Aor } from '../identity/aor.ts';
import type { Logger } from '../log.ts';
import type { Authenticator } from './authentication.ts';
import type { CallerIdentity } from './caller-identity.ts';
import { focusHeaders, notAllowed, optionsHeaders } from './capabilities.ts';
import type { Foci } from './foci.ts';
import type { InDialogHandler } from './in-dialog.ts';
import type { IncomingRequest } from './incoming-request.ts';
import type { InviteHandler } from './invite.ts';
import type { Leg } from './leg.ts';
import type { Legs } from './legs.ts';
import type { Signaling } from './signaling.ts';
import type { Subscriptions } from './subscribe.ts';

export interface RouterParts {
  readonly foci: Foci;
  readonly signaling: Signaling;
  readonly authenticator: Authenticator;
  readonly invites: InviteHandler;
  readonly calls: InDialogHandler;
  readonly legs: Legs;
  readonly log: Logger;
}

export class RequestRouter {
  readonly #parts: RouterParts;
  #subscriptions: Subscriptions | null = null;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Names who answers SUBSCRIBE. */
  serve(subscriptions: Subscriptions): void {
    this.#subscriptions = subscriptions;
  }

  /** Answers a request, in its own time. */
  route(request: IncomingRequest): void {
    this.#route(request).catch(async (error) => {
      this.#parts.log.error({ err: error, method: request.method }, 'a SIP request could not be handled');
      await request.respond(500);
    });
  }

  /** Who sends it: a proved AOR or null; undefined when it has been answered with a challenge or a refusal. */
  async identify(request: IncomingRequest, always: boolean): Promise<Aor | null | undefined> {
    return (await this.#identity(request, always))?.aor;
  }

  async #route(request: IncomingRequest): Promise<void> {
    const leg = request.dialogId === null ? undefined : this.#parts.legs.byDialog(request.dialogId);
    if (request.method === 'SUBSCRIBE') return this.#subscribe(request, leg ?? null);
    if (leg && (request.toTag !== null || !request.fromPeer)) return this.#parts.calls.handle(request, leg);
    if (request.toTag !== null || !request.fromPeer) return this.#late(request);
    if (request.method !== 'ACK') return this.#begin(request);
  }

  /** For a call that is no leg any more, or never was one; one that we have ended may still wait for its ACK. */
  async #late(request: IncomingRequest): Promise<void> {
    const { method } = request;
    const dialogId = request.dialogId ?? '';
    if (method === 'ACK') this.#parts.legs.acknowledged(dialogId);
    else if (method === 'BYE' && this.#parts.legs.overtaken(dialogId)) await request.respond(200);
    else await request.respond(481);
  }

  async #begin(request: IncomingRequest): Promise<void> {
    const link = this.#parts.foci.find(request.uri, this.#parts.signaling.hosts);
    if (!link) {
      await request.respond(404);
      return;
    }
    switch (request.method) {
      case 'OPTIONS':
        await request.respond(200, { headers: optionsHeaders(link) });
        return;
      case 'INVITE': {
        const identity = await this.#identity(request, false);
        if (identity && !request.cancelled) await this.#parts.invites.handle(request, link, identity);
        return;
      }
      case 'PUBLISH':
        // RFC 3903 6: the state of a conference is what the focus sees, not what anybody says.
        await request.respond(405, { reason: 'The state of a conference is not published', headers: notAllowed });
        return;
      default:
        await request.respond(405, { headers: { ...notAllowed, Contact: focusHeaders(link).Contact ?? '' } });
    }
  }

  async #subscribe(request: IncomingRequest, leg: Leg | null): Promise<void> {
    const subscriptions = this.#subscriptions;
    const known = subscriptions?.linkOf(request) ?? null;
    const { foci, signaling } = this.#parts;
    const link = leg?.link ?? (known === null ? foci.find(request.uri, signaling.hosts) : foci.byId(known));
    if (request.toTag !== null && !leg && known === null) await request.respond(481);
    else if (!link || !subscriptions) await request.respond(404);
    else await subscriptions.handle(request, link, leg);
  }

  async #identity(request: IncomingRequest, always: boolean): Promise<CallerIdentity | undefined> {
    const result = await this.#parts.authenticator.identify(request, always);
    if (result.act === 'known') return result.identity;
    if (result.act === 'refuse') await request.respond(403, { reason: 'Too many wrong passwords' });
    else await request.respond(401, { headers: { 'WWW-Authenticate': result.challenges } });
    return undefined;
  }
}
