/** A process of the service that can die as by SIGKILL: its connections close, and it says nothing more to anybody. */
import type { Asks } from '../../src/bus/asks.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { eventually, type FocusProcess, type ProcessOptions, startProcess, type World } from './sip-focus-stage.ts';

export interface MortalProcess extends FocusProcess {
  crash(): Promise<void>;
}

/** The world as a process sees it for as long as it lives. */
function mortal({ place, bus, asks }: World): { world: World; die(): void } {
  let alive = true;
  const ends: (() => void)[] = [];
  const until = (end: () => void): (() => void) => {
    ends.push(end);
    return end;
  };
  const mortalBus: Bus = {
    ...bus,
    listen: (listener) => until(bus.listen(listener)),
    publish: async (...fact) => (alive ? bus.publish(...fact) : undefined),
    withdraw: async (...fact) => (alive ? bus.withdraw(...fact) : undefined),
  };
  const mortalAsks: Asks = { ...asks, serve: (to, handler) => until(asks.serve(to, handler)) };
  return {
    world: { place, bus: mortalBus, asks: mortalAsks },
    die() {
      alive = false;
      for (const end of ends) end();
    },
  };
}

export async function startMortal(world: World, options: ProcessOptions): Promise<MortalProcess> {
  const { world: own, die } = mortal(world);
  const process = await startProcess(own, options);
  return {
    ...process,
    async crash() {
      die();
      process.wire.close();
      await process.mixer.stop();
      await eventually(() => !process.focus.debug().connected, 'the connection is gone');
    },
  };
}
