/** RFC 4575 5.3, 5.5, 5.7, 5.8: what the room gives a conference, and how endpoints refer to it. */
import { describe, expect, it } from 'vitest';
import { composeConference } from '../../../src/conference-info/conference.ts';
import { LiveMeeting, leg, link, occupant, room } from './facts-sample.ts';

const compose = (live: LiveMeeting) => composeConference(link, live.meeting, live.bindings);

describe('a conference and its room', () => {
  it('has the name and the subject of the room, on one line, and the name of the link where the room has none', () => {
    const live = new LiveMeeting();
    live.meeting.room = room({ name: 'Tea\ntime', subject: 'Which\tbiscuits?' });
    expect(compose(live).description).toMatchObject({ displayText: 'Tea time', subject: 'Which biscuits?' });
    live.meeting.room = room({ name: ' ', subject: '' });
    expect(compose(live).description).toMatchObject({ displayText: link.name, subject: null });
    live.meeting.room = null;
    expect(compose(live).description).toMatchObject({ displayText: link.name, subject: null });
  });

  it('is active unless the link is closed, locked while a lock stands, and counts who takes part', () => {
    const live = new LiveMeeting();
    live.meeting.occupants.set('Amy', occupant('Amy'));
    live.meeting.legs.set('l1', leg('l1'));
    expect(compose(live).state).toEqual({ userCount: 2, active: true, locked: false });
    live.meeting.link = { state: 'closed' } as LiveMeeting['meeting']['link'];
    expect(compose(live).state).toMatchObject({ active: false });
    const locked = { state: 'open', locked: { by: 'the desk', reason: null } };
    live.meeting.link = locked as LiveMeeting['meeting']['link'];
    expect(compose(live).state).toEqual({ userCount: 2, active: true, locked: true });
  });

  it('offers audio and chat, and the media of all endpoints are some of these', () => {
    const live = new LiveMeeting();
    live.meeting.occupants.set('Amy', occupant('Amy'));
    live.meeting.legs.set('l1', leg('l1'));
    const { description, users } = compose(live);
    expect(description.availableMedia).toMatchObject([
      { label: 'audio', type: 'audio', status: 'sendrecv' },
      { label: 'chat', type: 'message', status: 'sendrecv' },
    ]);
    const media = [...users.values()].flatMap((user) => user.endpoints.flatMap((endpoint) => endpoint.media));
    expect(media.map(({ id, type, label }) => `${id} ${type} ${label}`).sort()).toEqual([
      '1 audio audio',
      '1 message chat',
    ]);
  });

  it('names a way in only where it has another name than its person', () => {
    const live = new LiveMeeting();
    live.meeting.room = room({ nonAnonymous: true });
    for (const nick of ['Amy', 'Amy at work'])
      live.meeting.occupants.set(nick, occupant(nick, { jid: 'amy@im.example' }));
    const [user] = compose(live).users.values();
    expect(user?.displayText).toBe('Amy');
    expect(user?.endpoints.map(({ displayText }) => displayText)).toEqual([null, 'Amy at work']);
  });
});
