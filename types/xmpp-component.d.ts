/**
 * Types of @xmpp/component 0.13.1, which ships none: what this project uses of it, written from its behaviour.
 * `xml` and `Element` are those of the ltx fork inside the package; do not mix them with another copy.
 */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  /** An XML element. Attributes that are `undefined` are not written. */
  export interface Element {
    name: string;
    attrs: Record<string, string | undefined>;
    children: Array<Element | string>;
    parent: Element | null;
    is(name: string, xmlns?: string): boolean;
    getNS(): string | undefined;
    getAttr(name: string, xmlns?: string): string | undefined;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildText(name: string, xmlns?: string): string | null;
    getChildElements(): Element[];
    getText(): string;
    text(): string;
    append(...nodes: Array<Element | string>): this;
    remove(child: Element): this;
    /** Recursive: throws RangeError on elements nested thousands deep. */
    toString(): string;
  }
  export type Child = Element | string | number | null | undefined | false;
  /** Makes an element; nested arrays of children are flattened. */
  export function xml(
    name: string,
    attrs?: Record<string, string | number | undefined> | null,
    ...children: Array<Child | Child[]>
  ): Element;

  /** An XMPP address; `local` and `resource` are '' when absent. */
  export interface JID {
    local: string;
    domain: string;
    resource: string;
    bare(): JID;
    equals(other: JID): boolean;
    toString(): string;
  }
  export function jid(full: string): JID;
  export function jid(local: string | null, domain: string, resource?: string): JID;

  export interface IncomingContext {
    stanza: Element;
    name: string;
    type: string;
    id: string;
    from: JID | null;
    to: JID | null;
    entity: ComponentEntity;
  }
  export interface IqContext extends IncomingContext {
    /** The payload of the IQ. */
    element: Element;
  }
  type IqHandler = (context: IqContext) => Element | boolean | undefined | Promise<Element | boolean | undefined>;

  export type Status =
    | 'offline'
    | 'connecting'
    | 'connect'
    | 'opening'
    | 'open'
    | 'online'
    | 'closing'
    | 'close'
    | 'disconnecting'
    | 'disconnect';

  export interface ComponentEntity extends EventEmitter {
    jid: JID | null;
    status: Status;
    socket: Socket | null;
    /** Milliseconds that connect, open and close may take each. */
    timeout: number;
    start(): Promise<JID>;
    stop(): Promise<unknown>;
    disconnect(timeoutMs?: number): Promise<void>;
    /** Throws TypeError while there is no socket. */
    send(element: Element): Promise<void>;
    sendMany(elements: Iterable<Element>): Promise<void>;
    write(text: string): Promise<void>;
    reconnect: EventEmitter & { delay: number; start(): void; stop(): void; reconnect(): Promise<void> };
    middleware: { use(handler: (context: IncomingContext, next: () => Promise<unknown>) => unknown): unknown };
    /** Replies are matched by id only, whoever sent them. */
    iqCaller: {
      request(iq: Element, timeoutMs?: number): Promise<Element>;
      get(element: Element, to?: string, timeoutMs?: number): Promise<Element | undefined>;
      set(element: Element, to?: string, timeoutMs?: number): Promise<Element | undefined>;
    };
    iqCallee: {
      get(xmlns: string, name: string, handler: IqHandler): void;
      set(xmlns: string, name: string, handler: IqHandler): void;
    };
    on(event: 'stanza' | 'element' | 'nonza' | 'send', listener: (element: Element) => void): this;
    on(event: 'online', listener: (address: JID) => void): this;
    on(event: 'status', listener: (status: Status, argument?: unknown) => void): this;
    on(event: 'error', listener: (error: Error & { condition?: string; code?: string }) => void): this;
    on(event: 'disconnect', listener: (info: { clean: boolean; event?: unknown }) => void): this;
    on(event: 'input' | 'output', listener: (text: string) => void): this;
    on(
      event: 'connect' | 'connecting' | 'opening' | 'open' | 'close' | 'closing' | 'offline',
      listener: (...details: unknown[]) => void,
    ): this;
  }

  export interface ComponentOptions {
    /** `xmpp://host:port` */
    service: string;
    domain: string;
    password: string | ((authenticate: (secret: string) => Promise<void>) => Promise<void>);
  }
  /** Makes a component connection (XEP-0114); it connects on `start()`. */
  export function component(options: ComponentOptions): ComponentEntity;
}
