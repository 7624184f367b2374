/** RFC 3261 17.1.1.1 and table 4: the base times of the transaction layer, in milliseconds. */
export const T1 = 500;
export const T2 = 4_000;
export const T4 = 5_000;
/** How long a transaction waits for an answer, an ACK, or for retransmissions to stop. */
export const transactionTimeout = 64 * T1;
