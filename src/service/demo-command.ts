/** `cusax-bridge demo`: the demo lives beside the source, since it brings servers and clients of its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Runs the demo of a checkout with its options, and ends with its exit code. */
export function demonstrate(options: readonly string[]): void {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  if (!existsSync(`${root}/demo/main.ts`)) {
    process.stderr.write('The demo is part of the source: clone the repository and type there: npm run demo\n');
    process.exitCode = 1;
    return;
  }
  const child = spawn('npm', ['run', '--silent', 'demo', '--', ...options], { cwd: root, stdio: 'inherit' });
  // Ctrl-C reaches the demo as well: it ends in good order, and this process with it.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
