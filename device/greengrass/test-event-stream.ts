import { crc32 } from 'node:zlib';

/** A message of the event-stream protocol, as nucleus and component exchange it. */
export interface EventStreamMessage {
  /** Integers and texts; the protocol's other types are not in use between them. */
  headers: Readonly<Record<string, number | string>>;
  payload: Buffer;
}

export const messageTypes = { application: 0, applicationError: 1, connect: 4, connectAck: 5 } as const;
export const connectionAccepted = 1;
export const terminateStream = 2;

const int32 = 4;
const string = 7;
const preludeBytes = 12;
const crcBytes = 4;

/** Total length, length of the headers, checksum of both; headers; payload; checksum of all. */
export function encodeEventStream({ headers, payload }: EventStreamMessage): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)));
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(preludeBytes + head.length + payload.length + crcBytes, 0);
  prelude.writeUInt32BE(head.length, 4);
  const rest = Buffer.concat([prelude, checksum(prelude), head, payload]);
  return Buffer.concat([rest, checksum(rest)]);
}

function encodeHeader(name: string, value: number | string): Buffer {
  const bytes = Buffer.from(name);
  if (typeof value === 'number') {
    const number = Buffer.alloc(4);
    number.writeInt32BE(value);
    return Buffer.concat([Buffer.of(bytes.length), bytes, Buffer.of(int32), number]);
  }
  const text = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([Buffer.of(bytes.length), bytes, Buffer.of(string), length, text]);
}

function checksum(bytes: Buffer): Buffer {
  const result = Buffer.alloc(crcBytes);
  result.writeUInt32BE(crc32(bytes));
  return result;
}

/** Takes the bytes of a socket as they come, and gives the whole messages among them, with the size of each. */
export function eventStreamDecoder(): (chunk: Buffer) => { message: EventStreamMessage; bytes: number }[] {
  let buffer: Buffer = Buffer.alloc(0);
  return (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    const messages: { message: EventStreamMessage; bytes: number }[] = [];
    while (buffer.length >= preludeBytes && buffer.length >= buffer.readUInt32BE(0)) {
      const bytes = buffer.readUInt32BE(0);
      messages.push({ message: decode(buffer.subarray(0, bytes)), bytes });
      buffer = buffer.subarray(bytes);
    }
    return messages;
  };
}

function decode(packet: Buffer): EventStreamMessage {
  if (crc32(packet.subarray(0, -crcBytes)) !== packet.readUInt32BE(packet.length - crcBytes)) {
    throw new Error('a packet whose checksum is wrong');
  }
  const headers: Record<string, number | string> = {};
  const end = preludeBytes + packet.readUInt32BE(4);
  for (let at = preludeBytes; at < end; ) {
    const nameEnd = at + 1 + packet.readUInt8(at);
    const name = packet.toString('utf8', at + 1, nameEnd);
    const type = packet.readUInt8(nameEnd);
    if (type === int32) {
      headers[name] = packet.readInt32BE(nameEnd + 1);
      at = nameEnd + 5;
    } else if (type === string) {
      const length = packet.readUInt16BE(nameEnd + 1);
      headers[name] = packet.toString('utf8', nameEnd + 3, nameEnd + 3 + length);
      at = nameEnd + 3 + length;
    } else throw new Error(`header ${name} of a type that is not in use: ${type}`);
  }
  return { headers, payload: Buffer.from(packet.subarray(end, -crcBytes)) };
}
