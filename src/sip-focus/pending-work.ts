/** Promises that wait for the SIP server: each has a time limit and all fail together when the connection goes. */
import { BridgeError } from '../errors.ts';

export class PendingWork {
  readonly #open = new Set<(error: BridgeError) => void>();

  /** Runs `begin` and waits for one of its functions; rejects with SIP_REQUEST_FAILED after the limit (ms), or with what `begin` throws. */
  run<T>(limitMs: number, begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#open.delete(fail);
      };
      const fail = (error: Error): void => {
        finish();
        reject(error);
      };
      const timer = setTimeout(() => fail(new BridgeError('SIP_REQUEST_FAILED', 'No answer came in time')), limitMs);
      timer.unref();
      this.#open.add(fail);
      try {
        begin((value) => {
          finish();
          resolve(value);
        }, fail);
      } catch (error) {
        fail(
          error instanceof BridgeError
            ? error
            : new BridgeError('SIP_SERVER_UNAVAILABLE', 'The SIP server is away', { cause: error }),
        );
      }
    });
  }

  /** Fails everything that waits. */
  failAll(error: () => BridgeError): void {
    for (const fail of [...this.#open]) fail(error());
  }
}
