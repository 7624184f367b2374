/** RFC 5057 5.1: what the answer to a NOTIFY says of the call that shares its dialog. Pure. */

/** Answers that say that nothing in the whole dialog can reach its peer any more. All others concern the subscription at most. */
const endings: ReadonlySet<number> = new Set([404, 410, 416, 482, 483, 484, 485, 502, 604]);

/** True when every usage of the dialog is over, not only the subscription. */
export const endsDialog = (status: number): boolean => endings.has(status);
