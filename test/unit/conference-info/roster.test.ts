import { expect, it } from 'vitest';
import { Roster } from '../../../src/conference-info/roster.ts';
import { LiveMeeting, leg } from './facts-sample.ts';

const contact = 'sip:+493012345@192.0.2.9';

it('passes a contact that two legs share on to the other leg when the first leaves, and says so', () => {
  const live = new LiveMeeting();
  for (const id of ['l1', 'l2']) live.apply({ kind: 'leg', key: id, value: leg(id, { contact }) });
  const roster = new Roster('tea@rooms.example', live.meeting, live.bindings);
  const entity = () => roster.usersOf('leg:l2', 'moderator')[0]?.endpoints[0]?.entity;
  expect(entity()).toBe(`${contact};leg=l2`);
  live.apply({ kind: 'leg', key: 'l1', value: null });
  expect(roster.change({ kind: 'leg', key: 'l1' })).toEqual(new Set(['leg:l1', 'leg:l2']));
  expect(entity()).toBe(contact);
});
