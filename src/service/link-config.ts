/** The part of the configuration that is about one link: where it is, and what its conference is said to be (RFC 4575 5.3, 5.4). */
import { z } from 'zod';
import type { LinkDescription, LinkSettings } from '../conference-info/link.ts';
import { canonicalAor } from '../identity/aor.ts';
import { bareJid, parseJid } from '../identity/jid.ts';
import { note } from './config-note.ts';

/** Opaque names. */
export const name = z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected 1 to 64 of a-z, 0-9 and -');

const bare = z.string().refine((text) => {
  const jid = parseJid(text);
  return jid !== null && jid.local !== '' && jid.resource === '';
}, 'expected a bare JID such as tea@rooms.example.org');

const sipUri = z
  .string()
  .refine(
    (text) => canonicalAor(text)?.startsWith('sip:') ?? false,
    'expected a SIP URI such as sip:tea@conf.example.org',
  );

const callable = z
  .string()
  .refine(
    (text) => canonicalAor(text) !== null,
    'expected a SIP URI or a number such as sip:tea@pbx.example.org or tel:+493012345',
  );

const uri = z
  .string()
  .max(500)
  .regex(/^[a-z][a-z0-9+.-]*:[^\s<>"]+$/i, 'expected a URI such as mailto:tea@example.org');

const webPage = z
  .string()
  .max(500)
  .regex(/^https?:\/\/[^\s<>"]+$/i, 'expected a web address such as https://example.org/tea');

const line = (longest: number) => z.string().min(1).max(longest);

const host = z
  .strictObject({
    name: note(line(200).optional(), 'Who hosts the conference.', 'The tea society'),
    'web-page': note(webPage.optional(), 'Their page.', 'https://example.org/tea'),
    uris: note(z.array(uri).max(20).optional(), 'Where to reach them.', ['mailto:tea@example.org']),
  })
  .prefault({});

const mediaNames = z
  .strictObject({
    audio: note(line(64).optional(), 'What the audio of the conference is called.', 'Voice'),
    chat: note(line(64).optional(), 'What its chat is called.', 'Chat room'),
  })
  .prefault({});

export const linkSchema = z.strictObject({
  id: note(name, 'Opaque name of the link.', 'tea'),
  room: note(bare, 'The chat room.', 'tea@rooms.example.org'),
  conference: note(sipUri, 'The conference URI.', 'sip:tea@conf.example.org'),
  name: note(line(200).optional(), 'Name shown to callers; the id when left out.', 'Tea round'),
  'maximum-users': note(z.int().min(1).max(10000).default(100), 'Most call legs at once.'),
  contact: note(
    z.enum(['address', 'conference']).default('address'),
    "What the focus's Contact names: an address of the SIP server, or the conference URI, which DNS or a proxy must lead there.",
  ),
  'further-uris': note(
    z.array(callable).max(20).default([]),
    'Further SIP URIs and telephone numbers that lead to the conference; told to watchers, not set up by the bridge.',
    ['tel:+493012345'],
  ),
  'free-text': note(line(1000).optional(), 'What the conference is about.', 'Everything about tea, every day at five.'),
  keywords: note(
    z
      .array(z.string().regex(/^[^\s\p{C}]{1,64}$/u, 'expected a word without spaces'))
      .max(50)
      .default([]),
    'Words to find the conference by.',
    ['tea'],
  ),
  host,
  'media-names': mediaNames,
});

type LinkConfig = z.infer<typeof linkSchema>;

function hostOf({ host: { name: hostName, 'web-page': page, uris = [] } }: LinkConfig): LinkDescription['host'] {
  if (hostName === undefined && page === undefined && uris.length === 0) return null;
  return { name: hostName ?? null, webPage: page ?? null, uris };
}

/** A link in the form that the halves want. */
export const linkOf = (link: LinkConfig): LinkSettings => ({
  id: link.id,
  room: bareJid(link.room) ?? link.room,
  conference: canonicalAor(link.conference) ?? link.conference,
  name: link.name ?? link.id,
  maximumUsers: link['maximum-users'],
  contact: link.contact,
  about: {
    freeText: link['free-text'] ?? null,
    keywords: link.keywords,
    furtherUris: link['further-uris'].map((text) => canonicalAor(text) ?? text),
    host: hostOf(link),
    mediaNames: { audio: link['media-names'].audio ?? null, chat: link['media-names'].chat ?? null },
  },
});
