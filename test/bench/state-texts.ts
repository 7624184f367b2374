/** RFC 4575 documents of a room in which one person after another loses voice and gets it back, as text. */
import { withVersion } from '../../src/conference-info/document.ts';
import { defaultNotifierSettings, Notifier } from '../../src/conference-info/notifier.ts';
import { link, meetingOf, occupantOf } from './people.ts';

const hour = 3_600_000;

/** Texts after change 0, 1, 2 ...: the whole state, and what that change changed. Each change may be asked for once, in order. */
export interface StateTexts {
  full(index: number): string;
  partial(index: number): string;
}

export function stateTexts(people: number): StateTexts {
  const { meeting, occupants, bindings } = meetingOf(people, false);
  const settings = { ...defaultNotifierSettings, maxBytes: Number.POSITIVE_INFINITY, minimumGapMs: 0 };
  const notifier = new Notifier(link, meeting, bindings, settings);
  let now = 0;
  const next = (): string => {
    const [order] = notifier.due(now);
    if (!order?.document) throw new Error('no document is due');
    notifier.answered(order.id, 200, now);
    return withVersion(order.document, order.document.version);
  };
  const change = (index: number): void => {
    const occupant = occupantOf(index % people, Math.floor(index / people) % 2 === 1);
    occupants.set(occupant.nick, occupant);
    now += 1;
    notifier.change({ kind: 'occupant', key: occupant.nick }, now);
  };
  notifier.subscribe('reader', { expiresAt: 1e6 * hour, view: 'ordinary' }, now);
  next();
  return {
    partial(index) {
      change(index);
      return next();
    },
    full(index) {
      change(index);
      notifier.refresh('reader', 1e6 * hour, now);
      return next();
    },
  };
}
