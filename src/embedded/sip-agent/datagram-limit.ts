/** RFC 3261 18.1.1: requests that are too large for a datagram go by TCP, and by UDP only where TCP is refused. */
import type { SipRequest } from './sip-message.ts';
import type { Flow, LocalAddress } from './transport.ts';

/** With an unknown path MTU a datagram holds 1,300 bytes at most; the loopback interface takes all that UDP can carry. */
const largestDatagram = 1_300;
const largestLoopbackDatagram = 65_000;
/** What the Via of the transaction and the Content-Length add. */
const addedLater = 160;

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** Bytes of a request when it is sent; not less than the real size. */
function sizeOf({ method, uri, headers, body }: SipRequest): number {
  let characters = method.length + uri.length + addedLater;
  for (const { name, value } of headers.entries()) characters += name.length + Buffer.byteLength(value) + 4;
  return characters + body.length;
}

/**
 * The flows to try for this request: before a datagram that would be too large, TCP to the same place, if the agent speaks
 * TCP at that address. A larger request than UDP can carry has no other way.
 */
export function flowsBySize(request: SipRequest, flows: readonly Flow[], locals: readonly LocalAddress[]): Flow[] {
  const size = sizeOf(request);
  return flows.flatMap((flow) => {
    const limit = isLoopback(flow.address) ? largestLoopbackDatagram : largestDatagram;
    if (flow.local.protocol === 'tcp' || size <= limit) return [flow];
    const local = locals.find(({ protocol, host }) => protocol === 'tcp' && host === flow.local.host);
    return local ? [{ local, address: flow.address, port: flow.port }, flow] : [flow];
  });
}
