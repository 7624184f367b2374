/** RFC 4575: what chat clients are told of the call in the focus's presence. */
import { describe, expect, it } from 'vitest';
import { conferenceOf } from '../../../src/conference-info/read-conference.ts';
import { readDocument } from '../../../src/conference-info/read-document.ts';
import { callSummary, hasSummary, mostUsersShown, summaryElement } from '../../../src/muc-bridge/call-summary.ts';
import { element } from '../../../src/muc-bridge/element.ts';
import { bindings, bobJid, leg, link, meeting, occupant } from '../policy/meeting-fixture.ts';

const read = (text: string | null) => {
  const document = readDocument(text!);
  if ('refused' in document) throw new Error(document.refused);
  return conferenceOf(document.root);
};

describe('the summary of the call', () => {
  const carl = occupant({ nick: 'Carl', jid: 'carl@example.org' });

  it('has the people in the call and their ways into it, not who only writes', () => {
    const both = meeting({ occupants: [occupant(), carl], legs: [leg()] });
    const { userCount, users, confUris, active } = read(callSummary(link, both, bindings));
    expect({ userCount, active }).toEqual({ userCount: 1, active: true });
    expect(confUris.map(({ uri }) => uri)).toEqual([link.conference]);
    expect(users.map(({ displayText, endpoints }) => [displayText, endpoints.length])).toEqual([['Bob', 1]]);
    expect(callSummary(link, both, bindings)).not.toContain(bobJid);
  });

  it('tells only the number when many are in the call', () => {
    const legs = Array.from({ length: mostUsersShown + 1 }, (_each, place) =>
      leg({ leg: `l${place}`, aor: null, pseudonym: `sip:l${place}@anonymous.invalid` }),
    );
    const { userCount, users } = read(callSummary(link, meeting({ legs }), bindings));
    expect({ userCount, users }).toEqual({ userCount: mostUsersShown + 1, users: [] });
    expect(read(callSummary(link, meeting({ legs: legs.slice(1) }), bindings)).users).toHaveLength(mostUsersShown);
  });

  it('is well-formed whatever the address of the conference holds', () => {
    const summary = callSummary(
      { ...link, conference: "sip:r&d's@conf.example" },
      meeting({ legs: [leg()] }),
      bindings,
    );
    expect(summaryElement(summary!, 7)).toMatchObject({ attrs: { entity: "sip:r&d's@conf.example" } });
  });

  it('is nothing while the link is closed', () => {
    expect(callSummary(link, meeting({ closed: true }), bindings)).toBeNull();
  });

  it('is an element with a version, found in a presence', () => {
    const summary = summaryElement(callSummary(link, meeting({ legs: [leg()] }), bindings)!, 7);
    expect(summary).toMatchObject({
      name: 'conference-info',
      attrs: { xmlns: 'urn:ietf:params:xml:ns:conference-info', entity: link.conference, version: '7' },
    });
    expect(hasSummary(element('presence', {}, summary))).toBe(true);
    expect(hasSummary(element('presence', {}, element('conference-info')))).toBe(false);
  });
});
