/** RFC 7081 4: how somebody takes part, so that nobody takes a caller for a reader of the chat, or the other way round. */
import type { EndpointStatus, User } from './user.ts';

/** `text` = in the room only, `media` = in the call only. */
export type Involvement = 'text' | 'media' | 'both';

/** RFC 4575 5.7.4: not on the way in any more, and not gone. */
const taking: ReadonlySet<EndpointStatus> = new Set(['connected', 'muted-via-focus', 'on-hold', 'disconnecting']);

/** Whether a user takes part now: some way in stands. Others are shown while they are called, and for a while when they have left. */
export const takesPart = (user: Pick<User, 'endpoints'>): boolean =>
  user.endpoints.some(({ status }) => taking.has(status));

/** How a user takes part. Shown in documents as endpoints and their media. */
export function involvementOf(user: Pick<User, 'endpoints'>): Involvement {
  const media = user.endpoints.flatMap((endpoint) => (taking.has(endpoint.status) ? endpoint.media : []));
  const writes = media.some(({ type }) => type === 'message');
  const speaks = media.some(({ type }) => type !== 'message');
  if (writes && speaks) return 'both';
  return writes ? 'text' : 'media';
}
