import { expect, it } from 'vitest';
import type { Bus } from '../../../src/bus/bus.ts';
import { createMemoryBus } from '../../../src/bus/memory-bus.ts';
import { BridgeError } from '../../../src/errors.ts';
import type { Aor } from '../../../src/identity/aor.ts';
import type { Binding } from '../../../src/identity/binding.ts';
import { createLog } from '../../../src/log.ts';
import { BindingFacts } from '../../../src/service/binding-facts.ts';

const log = createLog({ level: 'silent' });
const binding = (name: string, jid = `${name}@example.org`): Binding => ({
  ...{ aor: `sip:${name}@example.org` as Aor, jid, proof: 'directory' as const },
});

function book(...entries: Binding[]) {
  let now: readonly Binding[] = entries;
  let listener: () => void = () => undefined;
  return {
    directory: {
      bindings: async () => now,
      onChange: (each: () => void) => {
        listener = each;
      },
    },
    becomes(...next: Binding[]) {
      now = next;
      listener();
    },
  };
}

const jids = (bus: Bus) => [...bus.facts.bindings.values()].map(({ jid }) => jid).sort();

it('says what the directory says, and takes back what it says no longer', async () => {
  const bus = createMemoryBus(log);
  await bus.start();
  const { directory, becomes } = book(binding('alice'), binding('bob'));
  const facts = new BindingFacts(directory, bus, log);
  await facts.compare();
  expect(jids(bus)).toEqual(['alice@example.org', 'bob@example.org']);
  becomes(binding('alice', 'alice@other.example'));
  await facts.compare();
  expect(jids(bus)).toEqual(['alice@other.example']);
});

it('tries again when the bus refuses', async () => {
  const memory = createMemoryBus(log);
  await memory.start();
  let refusals = 1;
  const bus: Bus = {
    ...memory,
    publish: async (...fact) => {
      refusals -= 1;
      if (refusals === 0) throw new BridgeError('BUS_CONFLICT', 'another process said something newer');
      return memory.publish(...fact);
    },
  };
  const facts = new BindingFacts(book(binding('alice')).directory, bus, log);
  await facts.compare();
  expect(jids(memory)).toEqual([]);
  await expect.poll(() => jids(memory), { timeout: 8_000 }).toEqual(['alice@example.org']);
  facts.stop();
});
