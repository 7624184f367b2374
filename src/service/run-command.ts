/** `cusax-bridge run`: the service in the foreground, until a signal ends it. */
import { createLog } from '../log.ts';
import { createBridge } from './bridge.ts';
import { readConfig } from './config-file.ts';

/** How long an orderly end may take, in ms. */
const endLimit = 10_000;

/**
 * Runs the service of a configuration file. SIGTERM ends it and leaves calls that outlive the process to the next one;
 * SIGINT (Ctrl-C) ends the calls too. A second signal ends it at once. Throws CONFIG_INVALID.
 */
export async function run(file: string): Promise<void> {
  const config = readConfig(file, process.env);
  const log = createLog(config.log);
  const bridge = createBridge(config, { log, onReplaced: () => void end(true, 1) });
  let ending = false;

  async function end(handOver: boolean, code: number): Promise<void> {
    if (ending) process.exit(code);
    ending = true;
    setTimeout(() => {
      log.error({ limit: endLimit }, 'the orderly end takes too long; ending at once');
      process.exit(1);
    }, endLimit).unref();
    try {
      await bridge.stop({ handOver });
    } catch (err) {
      log.error({ err }, 'the end was not orderly');
    }
    process.exit(code);
  }

  process.on('SIGTERM', () => void end(true, 0));
  process.on('SIGINT', () => void end(false, 0));
  // What nobody caught leaves the process in a state that nobody knows: the supervisor starts a new one, which adopts the calls.
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'a fault that nobody expected; the process ends');
    process.exit(1);
  });
  try {
    await bridge.start();
  } catch (err) {
    if (ending) return;
    log.fatal({ err }, 'the bridge cannot start');
    await end(true, 1);
  }
}
