/**
 * Watches a stream of MQTT packets for one that is longer than it may be, by its fixed header alone: a parser would
 * first keep it whole, and the protocol allows 256 MB. Takes chunks in order, however they are cut; false from the chunk
 * on that announces such a packet. A header that is none is left to the parser. Source: MQTT 3.1.1, 2.2.
 */
export function packetGuard(mostBytes: number): (chunk: Uint8Array) => boolean {
  let bodyLeft = 0;
  /** What the length has come to so far, and what its next byte counts; undefined before the first byte of a header. */
  let header: { length: number; scale: number } | undefined;
  let within = true;
  return (chunk) => {
    for (let at = 0; within && at < chunk.length; ) {
      if (bodyLeft > 0) {
        const step = Math.min(bodyLeft, chunk.length - at);
        bodyLeft -= step;
        at += step;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (header === undefined) {
        header = { length: 0, scale: 1 };
        continue;
      }
      header.length += (byte & 0x7f) * header.scale;
      header.scale *= 0x80;
      if ((byte & 0x80) !== 0) continue;
      within = header.length <= mostBytes;
      bodyLeft = header.length;
      header = undefined;
    }
    return within;
  };
}
