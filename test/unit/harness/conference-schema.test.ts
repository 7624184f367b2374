/** RFC 4575 6: the schema lets through what the RFC allows and nothing else, in batches, and names the document. */
import { describe, expect, it } from 'vitest';
import { canValidate, collectDocument, validateAll, validateCollected } from '../../harness/conference/schema.ts';

const document = (content: string, version = '1'): string =>
  `<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:a@b.example" version="${version}">${content}</conference-info>`;
const endpoint = (content: string): string =>
  document(`<users><user entity="sip:x@y.example"><endpoint entity="e">${content}</endpoint></user></users>`);

const valid: readonly string[] = [
  document(''),
  document('', '4294967295'),
  document('<users state="partial"><user entity="sip:x@y.example" state="deleted"/></users>'),
  document(
    '<conference-description xml:lang="en-GB"><subject>S</subject><keywords>a b</keywords></conference-description>',
  ),
  document('<conference-description xml:lang=""/><host-info><web-page>http://x.example/</web-page></host-info>'),
  document('<users/><other xmlns="urn:example:other" a="b"><c/></other>'),
  document('<conference-state><user-count>3</user-count><active>1</active><locked>false</locked></conference-state>'),
  document('<users/><sidebars-by-val><entry entity="sip:s@b.example"><users/></entry></sidebars-by-val>'),
  endpoint('<status>muted-via-focus</status><joining-method>dialed-out</joining-method><media id="1"/><call-info/>'),
  endpoint('<joining-info><when>2026-01-02T03:04:05Z</when><by>sip:x@y.example</by></joining-info>'),
];
const invalid: readonly string[] = [
  '<conference-info entity="sip:a@b.example"/>',
  document('').replace(' entity="sip:a@b.example"', ''),
  document('', '-1'),
  document('', '4294967296'),
  document('', '').replace('version=""', 'state="gone"'),
  document('<users/><conference-description/>'),
  document('<conference-description><service-uris/></conference-description>'),
  document('<conference-description><conference-uris/></conference-description>'),
  document('<conference-description xml:lang="no_such"/>'),
  document('<users><user><roles/></user></users>'),
  document('<conference-state><active>yes</active></conference-state>'),
  endpoint('<media><type>audio</type></media>'),
  endpoint('<status>talking</status>'),
  endpoint('<media id="1"><status>muted</status></media>'),
  endpoint('<joining-info/><joining-method>dialed-in</joining-method>'),
  endpoint('<joining-info><when>yesterday</when></joining-info>'),
  endpoint('<call-info><sip><call-id>1</call-id></sip></call-info>'),
  '<conference-info',
];

describe.skipIf(!canValidate())('the schema of conference-info (skipped without xmllint)', () => {
  it('admits what the RFC allows', async () => {
    expect(await validateAll(valid)).toEqual([]);
  });

  it('admits nothing else, and says which and why', async () => {
    const problems = await validateAll([...valid, ...invalid, ...valid]);
    expect(problems.map((each) => each.document)).toEqual(invalid);
    for (const { complaint } of problems) expect(complaint).toMatch(/\d+\.xml/);
  });

  it('validates more documents than fit in one run', async () => {
    const many = Array.from({ length: 1100 }, (_each, place) => (place === 1050 ? invalid[0] : valid[place % 10])!);
    expect(await validateAll(many)).toHaveLength(1);
  });

  it('keeps documents for later, those that differ in their version once, and forgets them when it has told', async () => {
    // What other tests of this process have left.
    await validateCollected().catch(() => undefined);
    for (const version of ['1', '2', '3']) collectDocument(document('<wrong/>', version));
    for (const each of valid) collectDocument(each);
    await expect(validateCollected()).rejects.toThrow(/^1 of 10 documents[\s\S]*wrong/);
    await validateCollected();
  });
});
