/** The demo keeps its promise, and notices when the service does not. */
import { spawn } from 'node:child_process';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { findStacks } from '../harness/meeting/find-stacks.ts';
import { freePort, startProcess } from '../harness/servers/process.ts';
import type { RunningProcess } from '../harness/servers/running-process.ts';
import { SipPhone } from '../harness/sip/phone.ts';
import { XmppUser } from '../harness/xmpp-user.ts';

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

/** A demo that goes on, as soon as it has printed something. */
const running = (ready: RegExp, ...options: string[]): Promise<RunningProcess> =>
  startProcess({
    name: 'demo',
    command: process.execPath,
    args: ['--import', 'tsx', 'demo/main.ts', ...options],
    cwd: root,
    ready,
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 30_000,
  });

/** A demo after its tour, and what it printed for people. */
async function invited(): Promise<{ stage: RunningProcess; printed: (pattern: RegExp) => string }> {
  const stage = await running(/Ctrl-C ends it/);
  const printed = (pattern: RegExp): string => {
    const found = pattern.exec(stage.output())?.[1];
    if (found === undefined) throw new Error(`the demo did not print ${pattern}`);
    return found;
  };
  return { stage, printed };
}

/** What an XMPP server says first on a port that speaks TLS from the first byte (XEP-0368). */
async function directTlsGreeting(port: number, domain: string): Promise<string> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername: domain, rejectUnauthorized: false });
  try {
    return await new Promise((resolve, reject) => {
      let text = '';
      socket.setEncoding('utf8').on('data', (data: string) => {
        text += data;
        if (text.includes('</stream:features>')) resolve(text);
      });
      for (const event of ['error', 'close']) socket.once(event, () => reject(new Error(`closed after: ${text}`)));
      const streams = 'xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams"';
      socket.write(`<?xml version="1.0"?><stream:stream to="${domain}" version="1.0" ${streams}>`);
    });
  } finally {
    socket.destroy();
  }
}

const hasProsody = findStacks().some(({ name, missing }) => name === 'embedded × prosody' && missing.length === 0);

describe('The demo', { timeout: 150_000 }, () => {
  for (const { sip, missing } of findStacks().filter(({ xmpp }) => xmpp === 'prosody')) {
    const wanted = process.env['STACK'] ?? sip;
    const onStack = (title: string, test: () => Promise<void>): void => {
      if (missing.length > 0) it.skip(`${title} (not run: ${missing.join(', ')} not found)`);
      else if (wanted !== sip) it.skip(`${title} (not run: STACK=${wanted})`);
      else it(title, test);
    };

    onStack(`shows every step on the ${sip} stack`, async () => {
      const { code, output } = await demo('--once', '--stack', sip);
      expect(steps(output, '✗'), output).toEqual([]);
      expect(steps(output, '✓').length).toBeGreaterThan(12);
      expect(output).toContain('Every step held.');
      expect(code).toBe(0);
    });

    onStack(`comes up twice at the same moment on the ${sip} stack, wanting one port for calls`, async () => {
      const port = String(await freePort());
      const called = /audio-video-uri = (sip:\S+)\n/;
      const start = () => running(called, '--once', '--stack', sip, '--sip-port', port);
      const starts = await Promise.allSettled([start(), start()]);
      const stages = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      await Promise.all(stages.map((stage) => stage.kill()));
      expect(starts.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([]);
      expect(new Set(stages.map((stage) => called.exec(stage.output())?.[1])).size).toBe(2);
    });
  }

  const image = inject('containers');
  it.skipIf(image === null || image.missing.length > 0)('shows every step with its servers in containers', async () => {
    const { code, output } = await demo('--once', '--servers', 'docker');
    expect(steps(output, '✗'), output).toEqual([]);
    expect(output).toContain('nats-server (in containers)');
    expect(output).toContain('Every step held.');
    expect(code).toBe(0);
  });

  it('fails, and names the step, when the mixer only says that it mutes', async () => {
    const { code, output } = await demo('--once', '--break-mixer');
    expect(steps(output, '✗')).toEqual([expect.stringContaining("Alice takes Bob's voice")]);
    expect(output).not.toContain('Every step held.');
    expect(code).toBe(1);
  });

  it.skipIf(!hasProsody)('lets a person in by what it printed, tells what happens, and ends on Ctrl-C', async () => {
    const { stage, printed } = await invited();
    const tells = (line: string | RegExp) => expect.poll(() => stage.output(), { timeout: 15_000 }).toMatch(line);
    try {
      const [name, domain] = printed(/XMPP account +(\S+)/).split('@') as [string, string];
      const password = printed(/XMPP account .*password (\S+)/);
      const room = printed(/Room +(\S+)/);
      const tls = Number(printed(/127\.0\.0\.1, port (\d+), "direct TLS"/));
      expect(await directTlsGreeting(tls, domain)).toContain('urn:ietf:params:xml:ns:xmpp-sasl');

      const c2sPort = Number(printed(/without TLS: port (\d+)/));
      const carol = await XmppUser.connect({ c2sPort, domain }, name, password);
      await carol.join(room, 'Carol');
      await tells('Carol is in the room as participant');

      const phone = await SipPhone.open({
        server: { host: '127.0.0.1', port: Number(printed(/SIP server +127\.0\.0\.1:(\d+)/)) },
        aor: printed(/SIP account +(\S+)/),
        credentials: {
          username: printed(/SIP account .*user (\S+)/),
          password: printed(/SIP account .*password (\S+)/),
        },
        displayName: 'Carol',
      });
      const call = await phone.call(printed(/Call +(sip:\S+)/));
      await tells(/Carol \(sip:carol@\S+\) is in the call/);

      const alice = await XmppUser.connect({ c2sPort, domain }, 'alice', 'alice-has-a-secret');
      const owned = await alice.join(room, 'Alice');
      await owned.revokeVoice('Carol');
      await tells(/Carol \(.*\) is muted in the call \(room\)/);
      await owned.grantVoice('Carol');
      await tells(/Carol \(.*\) is heard in the call again/);
      await owned.kick('Carol', 'enough');
      await call.ended();
      await tells(/carol@\S+ was kicked out of the room.*: enough/);
      await tells(/Carol \(.*\) has left the call/);
      await tells('Carol has left the room');

      await Promise.allSettled([phone.close(), carol.disconnect(), alice.disconnect()]);
      await stage.stop('SIGINT');
      expect(await stage.exited).toBe(0);
      await tells('Everything that the demo started has ended');
    } finally {
      await stage.kill();
    }
  });

  it('says what to type when it is asked for something that it does not know', async () => {
    const { code, output } = await demo('--stack', 'paper');
    expect(code).toBe(1);
    expect(output).toContain('embedded, native');
  });
});
