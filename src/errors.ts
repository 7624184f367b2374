/** The failures this service can name. A refusal that is part of normal work is a value, not one of these. */

/** Every code a BridgeError can carry, with what an operator should know; `docs/errors.md` is generated from it. */
export const errorCatalogue = {
  CONFIG_INVALID: 'The configuration file is not usable. The text names file, line, column, key, and what is expected.',
  BUS_UNAVAILABLE: 'The event bus cannot be reached; facts wait until it is back.',
  BUS_CONFLICT: 'A compare-and-set on the bus found a newer revision.',
  BUS_MESSAGE_INVALID: 'A message on the bus does not have the form of its kind; it is left aside.',
  ASK_UNANSWERED: 'No instance answered a request in time.',
  SIP_SERVER_UNAVAILABLE: 'The SIP server (drachtio-server or the embedded agent) cannot be reached.',
  SIP_REQUEST_FAILED: 'A SIP request of ours could not be sent or was not answered.',
  SIP_TOO_LARGE: 'A SIP message is larger than the SIP server can carry.',
  MIXER_UNAVAILABLE: 'The media server cannot be reached.',
  MIXER_REFUSED: 'The media server refused an order.',
  MEDIA_UNSUPPORTED: 'An SDP offer has no media that the mixer can take.',
  XMPP_UNAVAILABLE: 'The link to the XMPP server is down.',
  XMPP_TIMEOUT: 'The XMPP server did not answer in time.',
  XMPP_REFUSED: 'The XMPP server or room refused a request; `condition` has its reason.',
  XML_INVALID: 'An XML document is malformed, too large or too deep.',
} as const;

export type BridgeErrorCode = keyof typeof errorCatalogue;

/** A failure with a stable code; `detail` holds facts for the log (redactable fields), never for the message. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: BridgeErrorCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(
    code: BridgeErrorCode,
    message: string,
    options: { cause?: unknown; detail?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }
}
