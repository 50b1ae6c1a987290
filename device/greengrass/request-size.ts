/** What the headers of a packet and the names of its fields take, rounded up. */
const envelopeBytes = 400;

/** Bytes of a request's packet, at most: JSON, in which bytes are base64. */
export function requestBytes(request: object): number {
  const fields = 'payload' in request ? { ...request, payload: undefined } : request;
  const bytes = Buffer.byteLength(JSON.stringify(fields));
  const payload = 'payload' in request && request.payload instanceof Uint8Array ? request.payload.length : 0;
  return envelopeBytes + bytes + Math.ceil(payload / 3) * 4;
}
