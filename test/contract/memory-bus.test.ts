import { createMemoryAsks, createMemoryBus } from '../../src/bus/memory-bus.ts';
import { createLog } from '../../src/log.ts';
import { busContract } from './bus-contract.ts';

const log = createLog({ level: 'silent' });

busContract('memory', async () => {
  const bus = createMemoryBus(log);
  const asks = createMemoryAsks(log);
  await bus.start();
  return { side: async () => ({ bus, asks }), stop: () => bus.close() };
});
