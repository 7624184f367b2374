/** RFC 3261 8.1.1.7 and 19.3: branches and tags, unguessable so that nobody can answer or end what they have not seen. */
import { randomBytes } from 'node:crypto';

/** A tag for From or To. */
export function newTag(): string {
  return randomBytes(8).toString('hex');
}

/** A Via branch with the magic cookie. */
export function newBranch(): string {
  return `z9hG4bK${randomBytes(10).toString('hex')}`;
}
