/** RFC 4575 3.9, RFC 6665: two thousand people join within seconds while five hundred watch: nobody is told wrong, and calls go on. */
import { afterEach, describe, expect, it } from 'vitest';
import { ordered } from '../harness/conference/crowd-reader.ts';
import type { ConferenceView } from '../harness/conference/view.ts';
import { type Call, SipPhone } from '../harness/sip/phone.ts';
import { Watcher } from '../harness/sip/watcher.ts';
import { WatcherCrowd } from '../harness/sip/watcher-crowd.ts';
import { joinStorm } from './join-storm.ts';
import {
  alice,
  aliceAor,
  eventually,
  link,
  newWorld,
  type Place,
  type StartPlace,
  secret,
  startProcess,
  uri,
} from './sip-focus-stage.ts';

const joins = 2000;
const watchers = 500;
const stormMs = 10_000;
/** Shorter than the RFC's 5 s, so that there are more documents and the test is shorter. */
const gapMs = 2000;
const tone = 610;
/** For a machine that does much else. */
const limitMs = 300_000;
const soundLimitMs = 30_000;

/** The tests in one place. */
export function notifyStormContract(name: string, start: StartPlace): void {
  describe(`a storm of joins: ${name}`, () => {
    const open: { close(): unknown }[] = [];
    afterEach(async () => {
      for (const each of open.splice(0).reverse()) await each.close();
    });

    async function phone(place: Place, user: string, hz = 0): Promise<SipPhone> {
      const server = { host: '127.0.0.1', port: place.sipPort };
      const credentials = { username: secret.user, password: secret.password };
      const who = user === 'alice' ? { aor: aliceAor, credentials } : { aor: `sip:${user}@elsewhere.test` };
      const made = await SipPhone.open({ server, tone: hz, ...who });
      open.push(made);
      return made;
    }

    it(
      'leaves every watcher right; meanwhile callers come and go, and voice is taken and given back',
      async () => {
        const world = await newWorld(start);
        const { bus, place } = world;
        const settings = { watching: 'anyone', notifier: { minimumGapMs: gapMs } } as const;
        const { focus } = await startProcess(world, { settings, maximumUsers: joins + 10 });
        await bus.publish('_', 'binding', aliceAor, { aor: aliceAor, jid: 'alice@example.com', proof: 'directory' });
        await bus.publish(link.id, 'occupant', 'alice', alice);
        const [talker, listener, guest] = [
          await phone(place, 'alice', tone),
          await phone(place, 'bob'),
          await phone(place, 'carol'),
        ];
        const heard: Call = await listener.call(uri);
        await talker.call(uri);
        await heard.hears(tone);
        const server = { host: '127.0.0.1', port: place.sipPort };
        const crowd = await WatcherCrowd.open(server);
        open.push(crowd);
        await crowd.subscribe(uri, watchers);

        let raging = true;
        const storm = joinStorm(bus, link.id, joins, stormMs).finally(() => {
          raging = false;
        });
        const during = { mutes: 0, calls: 0 };
        const mutes = async (): Promise<void> => {
          while (raging) {
            await bus.publish(link.id, 'occupant', 'alice', { ...alice, role: 'visitor', cause: 'revoked' });
            await heard.silentOf(tone, soundLimitMs);
            await bus.publish(link.id, 'occupant', 'alice', { ...alice, cause: 'granted' });
            await heard.hears(tone, soundLimitMs);
            during.mutes += 1;
          }
        };
        const calls = async (): Promise<void> => {
          while (raging) {
            const call = await guest.call(uri);
            await call.hangUp();
            during.calls += 1;
          }
        };
        await Promise.all([storm, mutes(), calls()]);
        expect(during.mutes).toBeGreaterThan(0);
        expect(during.calls).toBeGreaterThan(0);
        expect(heard.status).toBe('up');
        await eventually(() => bus.facts.meeting(link.id).departures.size === 0, 'carol is shown no more', 60_000);

        // The storm, the two callers; alice's place in the room is hers.
        const people = joins + 2;
        await crowd.until(() => crowd.readers.every(({ users }) => users === people), 'everybody everywhere', limitMs);
        const fresh = await Watcher.subscribe({ server, aor: 'sip:late@watchers.test' }, uri);
        open.push(fresh);
        await fresh.until(({ users }) => users.length === people, 'everybody, for who came late', limitMs);
        const right = ordered(fresh.view);
        const wrong = (): number => differing(crowd, right);
        await eventually(
          () => focus.debug().notify.unanswered === 0 && wrong() === 0,
          'every watcher is right',
          limitMs,
        );

        expect(right.users.filter(({ displayText }) => /^Caller <\d+> & "co"$/.test(displayText ?? ''))).toHaveLength(
          joins,
        );
        expect(focus.debug().subscriptions).toBe(watchers + 1);
        // Changes within the gap went together.
        expect(crowd.counts.notifies).toBeLessThan((joins * watchers) / 10);
      },
      limitMs * 2,
    );
  });
}

/** How many of the crowd do not know just this. */
function differing(crowd: WatcherCrowd, right: ConferenceView): number {
  const wanted = JSON.stringify(right);
  const judged = new Map<string, boolean>();
  let wrong = 0;
  for (const reader of crowd.readers) {
    const key = reader.key();
    if (!judged.has(key)) judged.set(key, JSON.stringify(ordered(reader.view())) === wanted);
    if (!judged.get(key)) wrong += 1;
  }
  return wrong;
}
