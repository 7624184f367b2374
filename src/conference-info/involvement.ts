/** RFC 7081 4: how somebody takes part, so that nobody takes a caller for a reader of the chat, or the other way round. */
import type { User } from './user.ts';

/** `text` = in the room only, `media` = in the call only. */
export type Involvement = 'text' | 'media' | 'both';

/** How a user takes part. Shown in documents as endpoints and their media. */
export function involvementOf(user: Pick<User, 'endpoints'>): Involvement {
  const media = user.endpoints.flatMap((endpoint) => endpoint.media);
  const writes = media.some(({ type }) => type === 'message');
  const speaks = media.some(({ type }) => type !== 'message');
  if (writes && speaks) return 'both';
  return writes ? 'text' : 'media';
}
