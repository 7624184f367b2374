/** What the harness's own watchers must be able to do on a real focus: subscriptions from beginning to end, alone and inside a call. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HeaderLine } from '../harness/sip/message.ts';
import { SipUserAgent } from '../harness/sip/user-agent.ts';
import { SubscribeRefused, type Watcher, type WatcherOptions } from '../harness/sip/watcher.ts';
import { account, type HarnessStage, harnessStage } from './harness-stage.ts';
import type { StartPlace } from './sip-focus-stage.ts';

const names = (watcher: Watcher) => watcher.view.users.map((user) => user.displayText).sort();

/** The suite in one place. `start` is called for each test. */
export function watchersOnTheFocus(name: string, start: StartPlace): void {
  describe(`watchers on ${name}`, () => {
    let at: HarnessStage;
    beforeEach(async () => {
      at = await harnessStage(start);
    });
    afterEach(() => at.closePhones());

    describe.each(['udp', 'tcp'] as const)('a watcher over %s', (transport) => {
      it('is told everything, then changes', async () => {
        await at.call('bob');
        const watcher = await at.watch({ transport });
        await watcher.until((view) => view.users.length === 1, 'bob is seen');
        const carol = await at.call('carol');
        await watcher.until((view) => view.users.length === 2, 'carol is seen');
        expect(names(watcher)).toEqual(['bob', 'carol']);
        await carol.hangUp();
        await watcher.until((view) => view.users.length === 1, 'carol has left');
        const states = watcher.documents.map(({ state }) => state);
        expect([states[0], states[1], watcher.documents[0]?.version]).toEqual(['full', 'partial', 1]);
        expect(watcher.documents.map(({ version }) => version)).toEqual(states.map((_, index) => index + 1));
        await watcher.close();
        await at.untilSubscriptions(0);
      });

      it('refreshes, is given less than it asks for, and unsubscribes', async () => {
        const watcher = await at.watch({ transport, expires: 900 });
        expect(watcher.expires).toBeGreaterThan(890);
        await watcher.refresh(7200);
        expect(watcher.documents.map(({ state }) => state)).toEqual(['full', 'full']);
        expect(watcher.expires).toBeGreaterThan(3590);
        expect(watcher.expires).toBeLessThanOrEqual(3600);
        await watcher.unsubscribe();
        expect(await watcher.ended()).toEqual({ reason: 'timeout' });
        await expect(watcher.refresh()).rejects.toMatchObject({ status: 481 });
        await watcher.close();
      });
    });

    describe('a watcher', () => {
      it('fetches once, and is told when its time is over', async () => {
        const once = await at.watch({ expires: 0 });
        expect(await once.ended()).toEqual({ reason: 'timeout' });
        expect(once.documents.map(({ state }) => state)).toEqual(['full']);
        const short = await at.watch({ expires: 1 });
        expect(await short.ended()).toEqual({ reason: 'timeout' });
        await Promise.all([once.close(), short.close()]);
      });

      it('is told of the end of the conference', async () => {
        const watcher = await at.watch();
        await at.closeConference();
        expect(await watcher.ended()).toEqual({ reason: 'noresource' });
        await watcher.close();
      });

      it('is told why it may not watch', async () => {
        const refusal = (options: Partial<WatcherOptions>, conference?: string) =>
          at.watch(options, conference).catch((error) => error);
        const badEvent = await refusal({ event: 'presence' });
        expect(badEvent).toBeInstanceOf(SubscribeRefused);
        expect(badEvent).toMatchObject({ status: 489, headers: { 'allow-events': 'conference' } });
        expect(await refusal({}, 'sip:nobody@conf.example')).toMatchObject({ status: 404 });
        const wrong = { username: account.username, password: 'not it' };
        expect(await refusal({ aor: 'sip:alice@example.com', credentials: wrong })).toMatchObject({ status: 401 });
      });

      it('proves who watches', async () => {
        const watcher = await at.watch({ aor: 'sip:alice@example.com', credentials: account });
        await watcher.refresh();
        await watcher.close();
        await at.untilSubscriptions(0);
      });

      it('may say that it knows of no subscription, or nothing', async () => {
        const watcher = await at.watch();
        const silent = await at.watch({ answer: 'silent' });
        watcher.answer = 481;
        await at.call('bob');
        await at.untilSubscriptions(1); // the silent one is waited for
        expect(silent.documents).toHaveLength(1);
        await Promise.all([watcher.close(), silent.close()]);
      });

      it('shares the dialog of a call, and neither ends the other', async () => {
        const bob = await at.call('bob');
        const options = { inDialogOf: bob };
        const watcher = await at.watch(options);
        await at.call('carol');
        await watcher.until((view) => view.users.length === 2, 'carol is seen');
        await watcher.close();
        await at.untilSubscriptions(0);
        expect(bob.status).toBe('up');
        expect((await bob.request('OPTIONS')).status).toBe(200);
        const again = await at.watch(options);
        await again.until((view) => view.users.length === 2, 'both are seen');
        await bob.hangUp();
        await again.close();
      });

      it('is as dead as the phone that it shares a dialog with', async () => {
        const bob = await at.call('bob');
        const watcher = await at.watch({ inDialogOf: bob });
        const { length } = watcher.notifies;
        bob.vanish();
        await at.call('carol');
        expect(watcher.notifies).toHaveLength(length);
        await watcher.close();
      });

      /** A focus of the test's own: answers the SUBSCRIBE and sends these NOTIFYs, one after another. */
      async function falseFocus(xml: string, states: readonly string[]) {
        const notifier = await SipUserAgent.open({
          server: { host: '127.0.0.1', port: 9 },
          aor: 'sip:tea@conf.example',
        });
        notifier.onRequest = (request) => {
          const dialog = notifier.dialogFrom(request);
          request.respond(200, { headers: [['Expires', '60']] });
          void (async () => {
            for (const state of states) {
              const headers: HeaderLine[] = [
                ['Event', 'conference'],
                ['Subscription-State', state],
                ['Content-Type', 'application/conference-info+xml'],
              ];
              await notifier.request(dialog, 'NOTIFY', { headers, body: xml });
            }
          })();
          return true;
        };
        return { notifier, server: { host: '127.0.0.1', port: Number(notifier.contactUri.split(':').at(-1)) } };
      }

      /** A document as a focus sends it. */
      async function honestDocument(): Promise<string> {
        const honest = await at.watch();
        const xml = honest.documents[0]?.xml ?? '';
        await honest.close();
        return xml;
      }

      it('keeps what a document does wrong until it is asked', async () => {
        // The second document has the version of the first.
        const { notifier, server } = await falseFocus(await honestDocument(), [
          'active;expires=60',
          'active;expires=60',
        ]);
        const watcher = await at.watch({ server });
        await expect.poll(() => watcher.documents.length, { timeout: 10_000 }).toBe(2);
        await expect(watcher.until(() => true, 'anything')).rejects.toThrow('is not newer than');
        await expect(watcher.close()).rejects.toThrow('is not newer than');
        await notifier.close();
      });

      it('notices who goes on telling it after the last word', async () => {
        const { notifier, server } = await falseFocus(await honestDocument(), [
          'terminated;reason=timeout',
          'active;expires=60',
        ]);
        const watcher = await at.watch({ server });
        expect(await watcher.ended()).toEqual({ reason: 'timeout' });
        await expect.poll(() => watcher.lateNotifies.length, { timeout: 10_000 }).toBe(1);
        expect(watcher.notifies).toHaveLength(1);
        await watcher.close();
        await notifier.close();
      });

      it('says what it saw when it waited in vain', async () => {
        await at.call('bob');
        const watcher = await at.watch();
        const waiting = watcher.until((view) => view.users.length === 9, 'nine users', 300);
        await expect(waiting).rejects.toThrow(
          'waited in vain for nine users; 1 documents so far, version 1, users: bob',
        );
        await watcher.close();
      });
    });
  });
}
