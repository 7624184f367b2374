/** RFC 6665 4.1.3, RFC 5839 4.1: the NOTIFY that an order of the notifier asks for. Pure. */
import type { Order } from '../conference-info/notifier.ts';
import { conferenceInfoType } from './capabilities.ts';
import type { Notification } from './notify-frame.ts';
import type { Watcher } from './watcher-register.ts';

/** What must be known of the subscription. */
export type NotifyTarget = Pick<Watcher, 'event' | 'contact' | 'dialogId'>;

/** The NOTIFY for the SIP server, which adds what belongs to the dialog. */
export function notificationOf(
  { event, contact, dialogId }: NotifyTarget,
  { subscriptionState, entityTag, document }: Omit<Order, 'id'>,
): Notification {
  const tag = entityTag === null ? '' : `SIP-ETag: ${entityTag}\r\n`;
  const where = contact === '' ? '' : `Contact: ${contact}\r\n`;
  const type = document ? `Content-Type: ${conferenceInfoType}\r\n` : '';
  const headers = `Event: ${event}\r\nSubscription-State: ${subscriptionState}\r\n${tag}${where}${type}`;
  return { dialogId, headers, body: document ? document.head + document.version + document.tail : '' };
}
