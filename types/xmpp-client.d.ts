/** Types of @xmpp/client 0.14.0, which ships none: what the tests use of it. Elements have the same shape as @xmpp/component's. */
declare module '@xmpp/client' {
  import type { ComponentEntity } from '@xmpp/component';

  export type { Child, Element, JID } from '@xmpp/component';
  export { jid, xml } from '@xmpp/component';

  /** A client connection; as a component's, with a bound resource. */
  export interface ClientEntity extends ComponentEntity {
    entity: ClientEntity;
  }
  export interface Credentials {
    username: string;
    password: string;
  }
  export interface ClientOptions {
    /** `xmpp://host:port` */
    service: string;
    domain: string;
    /** Logs in with the mechanism of its choice. */
    credentials: (authenticate: (credentials: Credentials, mechanism: string) => Promise<void>) => Promise<void>;
    resource?: string;
  }
  /** Makes a client connection; it connects on `start()`. */
  export function client(options: ClientOptions): ClientEntity;
}
