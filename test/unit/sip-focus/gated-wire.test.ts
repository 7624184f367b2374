import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../../src/log.ts';
import type { SrfSocket, SrfWire } from '../../../src/sip-focus/drachtio-srf-types.ts';
import { drachtioLimits } from '../../../src/sip-focus/flow-gate.ts';
import { gateWire } from '../../../src/sip-focus/gated-wire.ts';

class FakeSocket extends EventEmitter {
  readonly written: string[] = [];
  destroyed = false;
  write(text: string): void {
    this.written.push(text);
  }
  setNoDelay(): void {
    // Nothing to delay.
  }
  destroy(): void {
    this.destroyed = true;
  }
}

/** A wire as srf has it, with one connection; `answer` is what the server says to a frame of ours. */
function connected() {
  const wire = new EventEmitter() as EventEmitter & SrfWire;
  gateWire(wire, drachtioLimits, createLog({ level: 'silent' }));
  const socket = new FakeSocket();
  wire.emit('connect', socket);
  const send = (message: string): string => wire.send(socket as unknown as SrfSocket, message);
  const answer = (id: string): void => {
    const text = `x|response|${id}|OK`;
    socket.emit('data', Buffer.from(`${text.length}#${text}`));
  };
  return { wire, socket, send, answer };
}

describe('a connection to a SIP server', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('that is silent is asked once and then given up', () => {
    const { socket, send, answer } = connected();
    answer(send('authenticate|secret|'));
    vi.advanceTimersByTime(60_000);
    expect(socket.destroyed).toBe(false); // nothing was asked
    send('ping');
    vi.advanceTimersByTime(5000);
    send('ping');
    expect(socket.written).toHaveLength(2);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(6000);
    expect(socket.destroyed).toBe(true);
  });

  it('that never answered at all is given up as well', () => {
    const { socket, send } = connected();
    send('authenticate|secret|');
    vi.advanceTimersByTime(11_000);
    expect(socket.destroyed).toBe(true);
  });

  it('that answers now and then lives, although one frame has no answer', () => {
    const { socket, send, answer } = connected();
    send('sip||lost');
    for (let seconds = 0; seconds < 60; seconds += 5) {
      answer(send('sip||other'));
      vi.advanceTimersByTime(5000);
    }
    expect(socket.destroyed).toBe(false);
  });

  it('that is closed is watched no more', () => {
    const { wire, socket, send } = connected();
    send('authenticate|secret|');
    wire.emit('close', socket);
    vi.advanceTimersByTime(60_000);
    expect(socket.destroyed).toBe(false);
    expect(() => send('ping')).toThrow(/closed/);
  });
});
