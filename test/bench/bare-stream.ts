/** Floor of the bus: the NATS client alone, a stream in a file with one message kept per subject, an ordered consumer. */
import { DeliverPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/** A way from a sender to a listener. */
export interface Way {
  /** Resolves when the server has it. */
  send(index: number): Promise<unknown>;
  /** Hears every index that was sent. */
  onHeard: (index: number) => void;
  stop(): Promise<void>;
}

/** Both ends on one connection; `value` is what each message carries. */
export async function openBareStream(url: string, value: unknown): Promise<Way> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const stream = { name: 'FLOOR', subjects: ['floor.*'], storage: StorageType.File, max_msgs_per_subject: 1 };
  await manager.streams.add(stream);
  const js = jetstream(connection);
  const payload = Buffer.from(JSON.stringify({ value }));
  const way: Way = {
    send: (index) => js.publish(`floor.${index}`, payload),
    onHeard: () => undefined,
    async stop() {
      await messages.close();
      await connection.close();
    },
  };
  const consumer = await js.consumers.get(stream.name, { deliver_policy: DeliverPolicy.All });
  const messages = await consumer.consume({
    max_messages: 2000,
    callback: (message) => way.onHeard(Number(message.subject.slice('floor.'.length))),
  });
  return way;
}
