/** The demo keeps its promise, and notices when the service does not. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findStacks } from '../harness/meeting/find-stacks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs the demo as `npm run demo` does after its set-up. */
function demo(...options: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', ...options], { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    child.once('exit', (code) => resolve({ code, output }));
  });
}

const steps = (output: string, mark: string): string[] =>
  output.split('\n').filter((line) => line.startsWith(`  ${mark} `) && /\d+\./.test(line));

describe('The demo', { timeout: 150_000 }, () => {
  for (const { sip, missing } of findStacks().filter(({ xmpp }) => xmpp === 'prosody')) {
    const wanted = process.env['STACK'] ?? sip;
    const title = `shows every step on the ${sip} stack`;
    if (missing.length > 0) it.skip(`${title} (not run: ${missing.join(', ')} not found)`);
    else if (wanted !== sip) it.skip(`${title} (not run: STACK=${wanted})`);
    else {
      it(title, async () => {
        const { code, output } = await demo('--once', '--stack', sip);
        expect(steps(output, '✗'), output).toEqual([]);
        expect(steps(output, '✓').length).toBeGreaterThan(12);
        expect(output).toContain('Every step held.');
        expect(code).toBe(0);
      });
    }
  }

  it('fails, and names the step, when the mixer only says that it mutes', async () => {
    const { code, output } = await demo('--once', '--break-mixer');
    expect(steps(output, '✗')).toEqual([expect.stringContaining("Alice takes Bob's voice")]);
    expect(output).not.toContain('Every step held.');
    expect(code).toBe(1);
  });

  it('says what to type when it is asked for something that it does not know', async () => {
    const { code, output } = await demo('--stack', 'paper');
    expect(code).toBe(1);
    expect(output).toContain('embedded, native');
  });
});
