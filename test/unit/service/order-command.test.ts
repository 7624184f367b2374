/** What the commands of an operator ask of the admin API, and what they say of its answers. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addOrderCommands } from '../../../src/service/order-command.ts';

interface Asked {
  readonly what: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

let server: Server;
let port: number;
let asked: Asked[];
let answer: { status: number; body: unknown };

beforeEach(async () => {
  asked = [];
  answer = { status: 200, body: { ok: true, notes: [] } };
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      const body: unknown = text === '' ? null : JSON.parse(text);
      asked.push({ what: `${method} ${url}`, authorization: headers.authorization, body });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(() => {
  server.close();
  process.exitCode = undefined;
  vi.restoreAllMocks();
});

/** Runs a command line as `cusax-bridge` would; `error` also has what the parser complains of. */
async function run(...words: string[]): Promise<{ code: number; out: string; error: string }> {
  const said = { out: '', error: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.error += String(text);
    return true;
  });
  const program = new Command().exitOverride();
  addOrderCommands(program);
  for (const command of program.commands) command.exitOverride();
  const reach = ['--url', `http://127.0.0.1:${port}`, '--token', 'a-token'];
  const failed = await program.parseAsync([...words, ...reach], { from: 'user' }).then(
    () => false,
    () => true,
  );
  return { code: failed ? 1 : Number(process.exitCode ?? 0), ...said };
}

describe('an operator’s command', () => {
  it.each(['mute', 'unmute', 'kick', 'ban', 'unban'])(
    '%s asks about the person, in the operator’s name',
    async (act) => {
      expect(await run(act, 'tea', 'bob', '--by', 'the desk', '--reason', 'noise')).toEqual({
        ...{ code: 0, out: 'done\n', error: '' },
      });
      const body = { person: 'bob', by: 'the desk', reason: 'noise', 'audio-only': false };
      expect(asked).toEqual([{ what: `POST /admin/links/tea/${act}`, authorization: 'Bearer a-token', body }]);
    },
  );

  it.each(['mute', 'unmute', 'kick'])('%s can be of the audio alone', async (act) => {
    await run(act, 'tea', 'bob', '--audio-only');
    expect(asked[0]).toMatchObject({ body: { person: 'bob', by: 'operator', 'audio-only': true } });
  });

  it.each(['ban', 'unban'])('%s cannot be of the audio alone', async (act) => {
    expect(await run(act, 'tea', 'bob', '--audio-only')).toMatchObject({ code: 1 });
    expect(asked).toEqual([]);
  });

  it.each(['reopen', 'close', 'lock', 'unlock'])('%s asks about the link', async (act) => {
    await run(act, 'tea', '--reason', 'lunch');
    expect(asked[0]).toMatchObject({ what: `POST /admin/links/tea/${act}`, body: { by: 'operator', reason: 'lunch' } });
  });

  it('forget asks about the link, by force when told so', async () => {
    await run('forget', 'tea');
    await run('forget', 'tea', '--force');
    expect(asked).toMatchObject([
      { what: 'POST /admin/links/tea/forget', body: { force: false } },
      { body: { force: true } },
    ]);
  });

  it('show prints one meeting, or all', async () => {
    answer = { status: 200, body: { id: 'tea' } };
    expect(JSON.parse((await run('show', 'tea')).out)).toEqual({ id: 'tea' });
    await run('show');
    expect(asked.map(({ what }) => what)).toEqual(['GET /admin/links/tea', 'GET /admin/links']);
  });

  it('keeps what is in a name out of the path', async () => {
    await run('mute', '../x?y', 'bob/../carol');
    expect(asked[0]).toMatchObject({ what: 'POST /admin/links/..%2Fx%3Fy/mute', body: { person: 'bob/../carol' } });
  });

  it('says what the asker must know although it was done', async () => {
    answer = { status: 200, body: { ok: true, notes: ['acted as a kick'] } };
    expect((await run('ban', 'tea', 'Zoe')).out).toBe('done\nnote: acted as a kick\n');
  });

  it('says why it was not done, and fails', async () => {
    answer = { status: 409, body: { error: 'not-allowed', text: 'The room does not allow this' } };
    expect(await run('mute', 'tea', 'alice')).toEqual({ code: 1, out: '', error: 'The room does not allow this\n' });
    answer = { status: 500, body: 'nonsense' };
    expect(await run('mute', 'tea', 'alice')).toMatchObject({ code: 1, error: 'The bridge answered 500.\n' });
  });

  it('says so when no bridge answers', async () => {
    server.close();
    expect(await run('show')).toMatchObject({ code: 1, error: expect.stringContaining('No bridge answers') });
  });
});
