import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import dnsPacket, { type Answer as DnsRecord, type Packet } from 'dns-packet';

/** What the server does with one question. */
export type Reply =
  | { kind: 'records'; values: readonly string[] }
  /** Over UDP cut to nothing; over TCP the records, or nothing where the server has no TCP. */
  | { kind: 'cut'; values: readonly string[] }
  /** Names given byte for byte, label by label. */
  | { kind: 'raw-name'; labels: readonly string[] }
  | { kind: 'nxdomain' | 'servfail' | 'refused' | 'no-data' | 'garbage' | 'silent' };

export interface Question {
  name: string;
  type: 'PTR' | 'A' | 'AAAA';
}

/** A DNS server on loopback, over UDP and TCP on one port. */
export interface TestDnsServer {
  /** `127.0.0.1:5300` */
  address: string;
  /** Questions that came, over either. */
  asked: { name: string; type: string; over: 'udp' | 'tcp' }[];
  close(): Promise<void>;
}

/** Response codes (RFC 1035 4.1.1), the low bits of the flags. */
const rcodes = { nxdomain: 3, servfail: 2, refused: 5 } as const;
const authoritative = dnsPacket.AUTHORITATIVE_ANSWER;

export async function startDnsServer(
  answer: (question: Question) => Reply,
  { port = 0, tcp: hasTcp = true }: { port?: number; tcp?: boolean } = {},
): Promise<TestDnsServer> {
  const asked: TestDnsServer['asked'] = [];
  const open = new Set<Socket>();

  function replyTo(query: Packet, over: 'udp' | 'tcp'): Buffer | undefined {
    const [question] = query.questions ?? [];
    if (question === undefined) return undefined;
    const { name, type } = question;
    asked.push({ name, type, over });
    if (type !== 'PTR' && type !== 'A' && type !== 'AAAA') return packet(query, authoritative | rcodes.refused);
    const reply = answer({ name: name.toLowerCase(), type });
    switch (reply.kind) {
      case 'silent':
        return undefined;
      case 'garbage':
        return Buffer.from('no packet of DNS');
      case 'nxdomain':
      case 'servfail':
      case 'refused':
        return packet(query, authoritative | rcodes[reply.kind]);
      case 'no-data':
        return packet(query, authoritative);
      case 'cut':
        return over === 'udp'
          ? packet(query, authoritative | dnsPacket.TRUNCATED_RESPONSE)
          : packet(query, authoritative, recordsOf(question.name, type, reply.values));
      case 'raw-name':
        return rawPointer(query, question.name, reply.labels);
      case 'records':
        return packet(query, authoritative, recordsOf(question.name, type, reply.values));
    }
  }

  const tcp = createServer((socket) => {
    open.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const reply = replyTo(dnsPacket.decode(received.subarray(2, end)), 'tcp');
        received = received.subarray(end);
        if (reply === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  tcp.listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  const bound = portOf(tcp.address());
  if (!hasTcp) tcp.close();

  const udp = createSocket('udp4');
  udp.on('message', (bytes, from) => {
    const reply = replyTo(dnsPacket.decode(bytes), 'udp');
    if (reply !== undefined) udp.send(reply, from.port, from.address);
  });
  udp.bind(bound, '127.0.0.1');
  await once(udp, 'listening');

  return {
    address: `127.0.0.1:${bound}`,
    asked,
    async close() {
      for (const socket of open) socket.destroy();
      const ends = [once(udp, 'close')];
      udp.close();
      if (tcp.listening) {
        ends.push(once(tcp, 'close'));
        tcp.close();
      }
      await Promise.all(ends);
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address !== null && typeof address === 'object') return address.port;
  throw new Error('The server has no port.');
}

function recordsOf(name: string, type: Question['type'], values: readonly string[]): DnsRecord[] {
  return values.map((data) => ({ type, name, ttl: 60, class: 'IN', data }));
}

function packet({ id, questions }: Packet, flags: number, answers: DnsRecord[] = []): Buffer {
  return dnsPacket.encode({ type: 'response', flags, answers, ...idAndQuestions(id, questions) });
}

function idAndQuestions(id: Packet['id'], questions: Packet['questions']): Pick<Packet, 'id' | 'questions'> {
  return { ...(id === undefined ? {} : { id }), ...(questions === undefined ? {} : { questions }) };
}

/** A PTR record whose name holds any bytes, also dots within a label: what no library writes. */
function rawPointer(query: Packet, name: string, labels: readonly string[]): Buffer {
  const placeholder = packet(query, authoritative, recordsOf(name, 'PTR', ['x']));
  const data = Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
  // The record ends with its length (2 bytes) and its name: one label `x`, 3 bytes.
  const head = placeholder.subarray(0, placeholder.length - 5);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length);
  return Buffer.concat([head, length, data]);
}
