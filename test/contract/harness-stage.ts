/** A focus somewhere, for the contract of the harness's own phones and watchers. */
import { expect } from 'vitest';
import { type CallRefused, type PhoneOptions, SipPhone } from '../harness/sip/phone.ts';
import { Watcher, type WatcherOptions } from '../harness/sip/watcher.ts';
import { link, type Place, type StartPlace, secret, stage, uri } from './sip-focus-stage.ts';

/** The account of alice. */
export const account = { username: secret.user, password: secret.password };

/** Starts a focus for one test, which anybody may watch; phones opened here are closed by `closePhones`. */
export async function harnessStage(start: StartPlace) {
  let digits = '';
  const tapped = async (): Promise<Place> => {
    const place = await start();
    return {
      ...place,
      newMixer(dialer) {
        const mixer = place.newMixer(dialer);
        const onReport = mixer.onReport.bind(mixer);
        mixer.onReport = (listener) =>
          onReport((report) => {
            if (report.kind === 'dtmf') digits += report.digit;
            listener(report);
          });
        return mixer;
      },
    };
  };
  const at = await stage(tapped, {
    watching: 'anyone',
    expiry: { shortest: 1, longest: 3600 },
  });
  const { place, focus, legs } = at;
  const phones: SipPhone[] = [];
  const server = (transport: 'udp' | 'tcp' = 'udp') => ({
    host: '127.0.0.1',
    port: transport === 'udp' ? place.sipPort : (place.sipTcpPort ?? place.sipPort),
  });
  const phone = async (name: string, options: Partial<PhoneOptions> = {}): Promise<SipPhone> => {
    const aor = `sip:${name}@elsewhere.example`;
    const opened = await SipPhone.open({ server: server(options.transport), aor, displayName: name, ...options });
    phones.push(opened);
    return opened;
  };
  // The server may still have the connection of the test before, or not yet the routes of this one.
  const probe = await phone('probe');
  const unknown = async () => (await probe.tryCall('sip:nobody@conf.example')) as CallRefused;
  await expect.poll(async () => (await unknown()).status, { timeout: 10_000 }).toBe(404);
  return {
    phone,
    call: async (name: string, options: Partial<PhoneOptions> = {}) => (await phone(name, options)).call(uri),
    watch: (options: Partial<WatcherOptions> = {}, conference = uri): Promise<Watcher> =>
      Watcher.subscribe(
        { server: server(options.transport), aor: 'sip:wendy@elsewhere.example', ...options },
        conference,
      ),
    closePhones: () => Promise.all(phones.splice(0).map((opened) => opened.close())),
    legs,
    /** Waits until the focus knows this many legs. */
    untilLegs: (count: number) => expect.poll(() => legs().length, { timeout: 10_000 }).toBe(count),
    /** Waits until the focus serves this many subscriptions. */
    untilSubscriptions: (count: number) =>
      expect.poll(() => focus.debug().subscriptions, { timeout: 10_000 }).toBe(count),
    /** The keys that the mixer has heard. */
    digits: () => digits,
    ask: (act: 'mute' | 'unmute' | 'remove', label: string, reason: string | null = null) => {
      const leg = legs().find((one) => one.label === label)?.leg;
      if (leg === undefined) throw new Error(`the focus has no leg of ${label}`);
      const ask = { link: link.id, by: 'operator', reason, to: 'focus', act, leg } as const;
      return at.asks.ask({ owner: 'focus', instance: 'focus-1' }, ask);
    },
    closeConference: () =>
      at.bus.publish(link.id, 'link', '-', {
        room: link.room,
        conference: link.conference,
        state: 'closed',
        reason: 'over',
      }),
  };
}

export type HarnessStage = Awaited<ReturnType<typeof harnessStage>>;
