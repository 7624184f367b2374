/** Who may give which command from their chat client, by what the facts say of them at that moment. */
import type { LinkFact } from '../conference-info/link.ts';

/** Whoever owned a destroyed room may reopen its link. What an operator closed is an operator's to reopen. `jid` is bare. */
export const mayReopen = (jid: string, link: LinkFact | null): boolean =>
  link?.state === 'closed' && link.closedBy === 'room' && (link.owners ?? []).includes(jid);
