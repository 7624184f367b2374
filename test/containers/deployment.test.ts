/** The images of `deploy/` and what they make together, on Debian 12 and 13. Run by `npm run test:containers` where Docker runs. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerRuns } from '../harness/containers/base-image.ts';
import { SipPhone } from '../harness/sip/phone.ts';
import { XmppUser } from '../harness/xmpp-user.ts';
import { buildBridge, DEPLOYED_CONFIG, type Deployment, makeEnvironment, startDeployment } from './deployment.ts';

const ROOM = 'tea@rooms.localhost';
const CONFERENCE = 'sip:tea@conf.example.org';
/** Images are built, on a fresh machine their bases too. */
const BUILD_TIME = 900_000;

describe.skipIf(!dockerRuns())('the deployment', () => {
  let image = '';

  beforeAll(async () => {
    image = await buildBridge();
  }, BUILD_TIME);

  describe('the image of the bridge', () => {
    const check = (environment: Record<string, string>) => {
      const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
      const mount = ['--volume', `${DEPLOYED_CONFIG}:/etc/cusax-bridge/config.yaml:ro`, '--network', 'none', '--rm'];
      const command = [image, 'check', '--config', '/etc/cusax-bridge/config.yaml'];
      return spawnSync('docker', ['run', ...mount, ...variables, ...command], { encoding: 'utf8' });
    };
    const shell = (script: string): string =>
      spawnSync('docker', ['run', '--rm', '--network', 'none', '--entrypoint', 'sh', image, '-c', script], {
        encoding: 'utf8',
      }).stdout;

    it('takes the deployed configuration with its secrets from the environment', () => {
      const { status, stdout } = check(makeEnvironment());
      expect(stdout).toContain(`${ROOM} <-> ${CONFERENCE}`);
      expect(status).toBe(0);
    });

    it('names each secret that is missing, and has a default for none', () => {
      const { status, stderr } = check({
        XMPP_DOMAIN: 'localhost',
        SIP_DOMAIN: 'conf.example.org',
        SIP_ADDRESS: '127.0.0.1',
      });
      expect(status).toBe(1);
      for (const name of ['BRIDGE_SECRET', 'NATS_PASSWORD', 'DRACHTIO_SECRET', 'FREESWITCH_PASSWORD', 'ADMIN_TOKEN']) {
        expect(stderr).toContain(name);
      }
    });

    it('runs on Node 24 as nobody special, and holds neither sources nor tools of development', () => {
      expect(shell('node --version')).toMatch(/^v24\./);
      expect(shell('id -u').trim()).toBe('10001');
      expect(shell('touch /app/probe || echo refused').trim()).toBe('refused');
      expect(shell('ls /app; ls /app/node_modules').split('\n')).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^(src|test|typescript|vitest|tsx)$/)]),
      );
    });
  });

  describe.each(['bookworm', 'trixie'] as const)('with NATS and Prosody of Debian %s', (release) => {
    let deployment: Deployment;
    let anna: XmppUser;

    beforeAll(async () => {
      deployment = await startDeployment(release, image);
      const registered = await deployment.prosody.exec([
        'prosodyctl',
        'register',
        'anna',
        'localhost',
        'correct-horse',
      ]);
      expect(registered.exitCode, registered.output).toBe(0);
      // Prosody asks for TLS, and made its certificate by itself a moment ago.
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      anna = await XmppUser.connect(deployment.xmpp, 'anna', 'correct-horse');
    }, BUILD_TIME);

    afterAll(async () => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      await anna?.disconnect();
      await deployment?.stop();
    }, 120_000);

    it('is ready in all its parts', async () => {
      const answer = await fetch(`${deployment.httpUrl}/health/ready`);
      const { parts } = (await answer.json()) as { parts: { part: string; ready: boolean }[] };
      expect(parts.filter(({ ready }) => !ready)).toEqual([]);
      expect(parts.map(({ part }) => part).sort()).toEqual(['bus', 'mixer', 'sip', 'xmpp']);
      expect(answer.status).toBe(200);
    });

    it('runs none of its servers as root', async () => {
      for (const container of [deployment.nats, deployment.prosody, deployment.bridge]) {
        expect((await container.exec(['id', '-u'])).output.trim()).not.toBe('0');
      }
    });

    it('publishes nothing beyond loopback', () => {
      for (const container of [deployment.nats, deployment.prosody]) {
        const { stdout } = spawnSync('docker', ['port', container.getId()], { encoding: 'utf8' });
        expect(stdout).toMatch(/-> 127\.0\.0\.1:/);
        expect(stdout).not.toMatch(/-> (?!127\.0\.0\.1:)/);
      }
    });

    it('names the conference in what the room says of itself', async () => {
      const { forms } = await anna.discoInfo(ROOM);
      const info = forms.find((form) => 'http://jabber.org/protocol/muc#roominfo' in form);
      expect(info?.['http://jabber.org/protocol/muc#roominfo']?.['audio-video-uri']).toEqual([CONFERENCE]);
    });

    it('takes a call into the room', async () => {
      const room = await anna.join(ROOM, 'anna');
      const phone = await SipPhone.open({
        server: { host: '127.0.0.1', port: deployment.sipPort },
        aor: 'sip:bob@elsewhere.example',
      });
      try {
        const call = await phone.call(CONFERENCE);
        expect(call.remoteContact).toContain('isfocus');
        expect([...room.occupants.keys()]).toContain('call');
        await call.hangUp();
      } finally {
        await phone.close();
        await room.leave();
      }
    });

    it('is ready again after a restart of the bridge, which ends in order when told to', async () => {
      const { bridge, httpUrl } = deployment;
      await bridge.restart();
      const answer = await fetch(`${httpUrl}/health/ready`);
      expect(answer.status).toBe(200);
      expect(spawnSync('docker', ['stop', bridge.getId()]).status).toBe(0);
      const { stdout } = spawnSync('docker', ['inspect', '--format', '{{.State.ExitCode}}', bridge.getId()], {
        encoding: 'utf8',
      });
      expect(stdout.trim()).toBe('0');
    });
  });
});
