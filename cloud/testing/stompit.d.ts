/** What the tests use of stompit, which comes without types. */
declare module 'stompit' {
  import type { Readable, Writable } from 'node:stream';

  export type Headers = Record<string, string>;

  /** A MESSAGE; its stream is the body, which has to be read before the next one comes. */
  export interface Message extends Readable {
    headers: Headers;
  }

  interface SendOptions {
    /** The broker has done it. */
    onReceipt?(): void;
    /** The connection has ended before, as it does where the broker refuses something. */
    onError?(error: Error): void;
  }

  export interface Client {
    /** Answers the stream that takes the body. */
    send(headers: Headers, options?: SendOptions): Writable;
    subscribe(headers: Headers, listener: (error: Error | null, message: Message) => void): void;
    ack(message: Message, headers?: Headers, options?: SendOptions): void;
    nack(message: Message, headers?: Headers, options?: SendOptions): void;
    /** Ends the connection as it stands. */
    destroy(): void;
    on(event: 'error', listener: (error: Error) => void): void;
  }

  interface ConnectOptions {
    host: string;
    port: number;
    connectHeaders: Headers;
  }

  const stompit: {
    connect(options: ConnectOptions, listener: (error: Error | null, client: Client) => void): void;
  };
  export default stompit;
}
