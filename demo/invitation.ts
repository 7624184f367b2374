/** What a person needs to join the demo's meeting with their own softphone and XMPP client. */
import type { Stage } from './stage.ts';

/** Lines for the terminal. */
export function invitation(stage: Stage): readonly string[] {
  const { parts, link, person } = stage;
  const { host, port } = parts.sip.address;
  const { xmpp } = parts;
  const me = person('carol');
  return [
    `XMPP account   ${me.jid}   password ${me.password}`,
    `XMPP server    ${host}, port ${xmpp.directTlsPort}, "direct TLS" (its certificate is self-signed: accept it once)`,
    `               or, for a client that may do without TLS: port ${xmpp.c2sPort}`,
    `Room           ${link.room}`,
    '',
    `SIP account    ${me.aor}   user ${me.name}   password ${me.password}`,
    `SIP server     ${host}:${port}, UDP or TCP, as outbound proxy; no registration; codec PCMU or PCMA`,
    `Call           ${link.conference}   (with any phone on this machine; without the account you are a phone-only guest)`,
    '',
    `More people    alice (owner of the room), bob and dave, each with the password NAME-has-a-secret`,
    `Configuration  ${stage.configFile}`,
    `Log            ${stage.logFile}`,
  ];
}
