/** Users dealt out to documents that may only be so large; who is too large for one is spread over several (RFC 4575 4.4: partial users). */
import { WrittenUser } from './user-fragments.ts';
import { utf8Length } from './xml-text.ts';

const closing = '</user>'.length;

/** Groups of users, one for each document, in order. The first has less room than the later ones; sizes in bytes of UTF-8. */
export class Packing {
  readonly groups: WrittenUser[][] = [[]];
  readonly #laterRoom: number;
  #left: number;
  #omitted = 0;

  constructor(firstRoom: number, laterRoom: number) {
    this.#left = firstRoom;
    this.#laterRoom = laterRoom;
  }

  /** Users and endpoints that are larger than any document: they would keep everything else from the reader. */
  get omitted(): number {
    return this.#omitted;
  }

  add(user: WrittenUser): void {
    const size = utf8Length(user.text);
    if (size > this.#left && size > this.#laterRoom) this.#spread(user);
    else this.#put(user, size);
  }

  #put(user: WrittenUser, size: number): void {
    if (size > this.#left) this.#next();
    this.groups.at(-1)?.push(user);
    this.#left -= size;
  }

  #next(): void {
    this.groups.push([]);
    this.#left = this.#laterRoom;
  }

  /** The head with the endpoints that fit, then partial users with the further ones. */
  #spread(user: WrittenUser): void {
    const { entity, state, head } = user;
    const further = new WrittenUser(entity, 'partial', '', []);
    const frame = utf8Length(further.opening) + closing;
    let piece = { user: new WrittenUser(entity, state, head, []), endpoints: [] as string[], size: 0 };
    piece.size = utf8Length(piece.user.opening) + utf8Length(head) + closing;
    if (piece.size > this.#laterRoom) {
      this.#omitted += 1;
      return;
    }
    if (piece.size > this.#left) this.#next();
    for (const endpoint of user.endpoints) {
      const size = utf8Length(endpoint);
      if (frame + size > this.#laterRoom) {
        this.#omitted += 1;
        continue;
      }
      if (piece.size + size > this.#left) {
        this.#close(piece);
        this.#next();
        piece = { user: further, endpoints: [], size: frame };
      }
      piece.endpoints.push(endpoint);
      piece.size += size;
    }
    this.#close(piece);
  }

  #close({ user, endpoints, size }: { user: WrittenUser; endpoints: readonly string[]; size: number }): void {
    if (user.state === 'partial' && user.head === '' && endpoints.length === 0) return;
    this.#put(new WrittenUser(user.entity, user.state, user.head, endpoints), size);
  }
}
