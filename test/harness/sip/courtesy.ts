/** Parting words to a peer that may be gone: a test that killed it must not wait for its answer. */

/** How long a phone that is switched off waits for answers, in milliseconds. */
const patience = 3000;

/** Waits a moment for something to end, however it ends. */
export async function briefly(parting: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience);
  });
  await Promise.race([parting.catch(() => undefined), enough]);
  clearTimeout(timer);
}
