/** The guided tour: what a meeting in room and call does, made by real clients and judged by what they see and hear. */
import { involvementOf } from '../test/harness/conference/view.ts';
import { displayNameOf } from '../test/harness/meeting/cast.ts';
import type { Call } from '../test/harness/sip/call.ts';
import { CallRefused, type SipPhone } from '../test/harness/sip/phone.ts';
import type { Watcher } from '../test/harness/sip/watcher.ts';
import type { XmppRoom } from '../test/harness/xmpp-room.ts';
import type { XmppUser } from '../test/harness/xmpp-user.ts';
import type { Stage } from './stage.ts';
import { indented } from './terminal.ts';

/** One step: what happens, and the check that it did. */
export interface Step {
  readonly title: string;
  /** Resolves with notes for the reader when all holds; rejects with what does not. */
  run(): Promise<readonly string[]>;
}

const names = { owner: 'alice', guest: 'bob', caller: 'erin' } as const;
const nick = { owner: displayNameOf(names.owner), guest: displayNameOf(names.guest) };

/** The people of the tour and what they hold in their hands. */
class Cast {
  readonly stage: Stage;
  #owner: XmppUser | undefined;
  #guest: XmppUser | undefined;
  #ownerRoom: XmppRoom | undefined;
  #guestPhone: SipPhone | undefined;
  #ownerCall: Call | undefined;
  #guestCall: Call | undefined;
  #callerCall: Call | undefined;
  #watcher: Watcher | undefined;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  get room(): XmppRoom {
    return given(this.#ownerRoom);
  }

  get owner(): XmppUser {
    return given(this.#owner);
  }

  get ownerCall(): Call {
    return given(this.#ownerCall);
  }

  get guestCall(): Call {
    return given(this.#guestCall);
  }

  get callerCall(): Call {
    return given(this.#callerCall);
  }

  get watcher(): Watcher {
    return given(this.#watcher);
  }

  tone(name: string): number {
    return this.stage.person(name).tone;
  }

  async enterRoom(): Promise<void> {
    const { stage } = this;
    this.#owner = await stage.user(names.owner);
    this.#ownerRoom = await this.#owner.join(stage.link.room, nick.owner);
    await this.guestEnters();
  }

  async guestEnters(): Promise<void> {
    this.#guest ??= await this.stage.user(names.guest);
    await this.#guest.join(this.stage.link.room, nick.guest);
  }

  async ownerCalls(): Promise<Call> {
    this.#ownerCall = await (await this.stage.phone(names.owner)).call(this.stage.link.conference);
    return this.#ownerCall;
  }

  async guestCalls(): Promise<Call> {
    this.#guestPhone ??= await this.stage.phone(names.guest);
    this.#guestCall = await this.#guestPhone.call(this.stage.link.conference);
    return this.#guestCall;
  }

  /** Dials until the guest is let in: the moderator's answer does not wait for the bridge to hear of what they did. */
  async guestIsLetIn(): Promise<void> {
    const limit = performance.now() + 10_000;
    for (;;) {
      const outcome = await given(this.#guestPhone).tryCall(this.stage.link.conference);
      if (!(outcome instanceof CallRefused)) {
        this.#guestCall = outcome;
        return;
      }
      if (performance.now() > limit) throw outcome;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The refusal of the guest's one try. */
  async guestIsRefused(): Promise<CallRefused> {
    const outcome = await given(this.#guestPhone).tryCall(this.stage.link.conference);
    if (outcome instanceof CallRefused) return outcome;
    throw new Error('the call was let in');
  }

  async callerCalls(): Promise<void> {
    this.#callerCall = await (await this.stage.phone(names.caller)).call(this.stage.link.conference);
  }

  async watch(): Promise<void> {
    this.#watcher = await this.stage.watcher(names.owner);
  }
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('an earlier step has not got so far');
  return value;
}

/** Throws when something is not as it must be. */
function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

/** Who is in the meeting, and whether text, audio or both reach them. */
function roll({ view }: Watcher): readonly string[] {
  return view.users.map((user) => {
    const involvement = involvementOf(user);
    return `${(user.displayText ?? user.entity).padEnd(12)} ${involvement === 'both' ? 'text and audio' : involvement}`;
  });
}

const involved = (cast: Cast, name: string, how: string): Promise<void> =>
  cast.watcher.until(
    (view) => view.users.some((user) => user.displayText === displayNameOf(name) && involvementOf(user) === how),
    `${displayNameOf(name)} shown with ${how}`,
  );

/** All steps, in order; each builds on those before. */
export function tourOf(stage: Stage): readonly Step[] {
  const cast = new Cast(stage);
  return [...meeting(cast), ...moderation(cast), ...phones(cast)];
}

function meeting(cast: Cast): readonly Step[] {
  const { link } = cast.stage;
  return [
    {
      title: `Alice, who owns the room, and Bob, a guest, enter ${link.room}`,
      async run() {
        await cast.enterRoom();
        return [];
      },
    },
    {
      title: 'The room names its call: any client can read it in disco#info',
      async run() {
        const info = await cast.owner.discoInfo(link.room);
        const forms = info.forms.map((form) => form['http://jabber.org/protocol/muc#roominfo']);
        const advert = forms.find((form) => form !== undefined)?.['audio-video-uri']?.[0];
        check(advert === link.conference, `disco#info says ${advert ?? 'nothing of a call'}`);
        return [`audio-video-uri = ${advert}`];
      },
    },
    {
      title: 'Both call the conference; the focus answers',
      async run() {
        const calls = [await cast.ownerCalls(), await cast.guestCalls()];
        for (const call of calls) {
          check(/;\s*isfocus/i.test(call.remoteContact), `the Contact lacks isfocus: ${call.remoteContact}`);
        }
        return [`Contact: ${calls[0]?.remoteContact}`];
      },
    },
    {
      title: "Each hears the other's tone, and not their own",
      async run() {
        const [owner, guest] = [cast.tone(names.owner), cast.tone(names.guest)];
        await Promise.all([cast.ownerCall.hears(guest), cast.guestCall.hears(owner)]);
        await Promise.all([cast.ownerCall.silentOf(owner), cast.guestCall.silentOf(guest)]);
        return [
          `Alice sends ${owner} Hz and receives ${guest} Hz, Bob the other way round (measured in the received RTP)`,
        ];
      },
    },
    {
      title: 'Alice subscribes to the conference: who is in it, and whether text, audio or both reach them',
      async run() {
        await cast.watch();
        await involved(cast, names.owner, 'both');
        await involved(cast, names.guest, 'both');
        const { xml, version } = given(cast.watcher.documents.at(-1));
        return [
          ...indented(xml),
          '',
          ...roll(cast.watcher),
          `(version ${version}; every document is checked against RFC 4575)`,
        ];
      },
    },
  ];
}

function moderation(cast: Cast): readonly Step[] {
  const guestTone = cast.tone(names.guest);
  return [
    {
      title: "Alice takes Bob's voice in the room: his tone stops in the call, and he still hears",
      async run() {
        await cast.room.revokeVoice(nick.guest, 'listen for a while');
        await cast.ownerCall.silentOf(guestTone);
        await cast.guestCall.hears(cast.tone(names.owner));
        return [];
      },
    },
    {
      title: 'Alice gives it back: his tone is there again',
      async run() {
        await cast.room.grantVoice(nick.guest);
        await cast.ownerCall.hears(guestTone);
        return [];
      },
    },
    {
      title: 'Alice kicks Bob out of the room: his phone gets BYE, and his tone is gone',
      async run() {
        await cast.room.kick(nick.guest, 'the meeting is over for you');
        const end = await cast.guestCall.ended();
        check(end.by === 'peer', 'the call was not ended by the focus');
        await cast.ownerCall.silentOf(guestTone);
        return [`Reason: ${end.reason}`];
      },
    },
    {
      title: 'A kick is no ban: Bob comes back to room and call',
      async run() {
        await cast.guestEnters();
        await cast.guestCalls();
        await cast.ownerCall.hears(guestTone);
        return [];
      },
    },
    {
      title: 'Alice bans Bob: BYE, and his next call is refused',
      async run() {
        await cast.room.ban(cast.stage.person(names.guest).jid ?? '');
        await cast.guestCall.ended();
        const { status, reason } = await cast.guestIsRefused();
        check(status === 403, `the call was refused with ${status}`);
        return [`${status} ${reason}`];
      },
    },
    {
      title: 'Alice lifts the ban: Bob may call again',
      async run() {
        await cast.room.unban(cast.stage.person(names.guest).jid ?? '');
        await cast.guestIsLetIn();
        await cast.ownerCall.hears(guestTone);
        return [];
      },
    },
  ];
}

function phones(cast: Cast): readonly Step[] {
  const tone = cast.tone(names.caller);
  return [
    {
      title: 'Erin, who has a telephone and no chat, calls: she is in the call and hears Alice',
      async run() {
        await cast.callerCalls();
        await Promise.all([cast.ownerCall.hears(tone), cast.callerCall.hears(cast.tone(names.owner))]);
        await involved(cast, names.caller, 'audio');
        return roll(cast.watcher);
      },
    },
    {
      title: 'An operator mutes her from the call side: she is phone-only, so the mixer does it',
      async run() {
        await cast.stage.ask('mute', cast.stage.person(names.caller).aor ?? '');
        await cast.ownerCall.silentOf(tone);
        return [];
      },
    },
    {
      title: 'Alice leaves the room: her call goes on, and she is shown with audio alone',
      async run() {
        await cast.room.leave();
        await involved(cast, names.owner, 'audio');
        check(cast.ownerCall.status === 'up', 'her call has ended');
        return [];
      },
    },
  ];
}
