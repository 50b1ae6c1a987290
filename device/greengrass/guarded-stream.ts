/** What of the SDK's stream is guarded. */
interface NativeStream<A> {
  activate(options: A): Promise<void>;
  close(): void;
}

/**
 * Keeps a stream of aws-crt from being closed while its request is being written, and after that failed: when the
 * connection ends meanwhile, aws-crt (1.33.1, `event_stream.c`) gives the stream's memory back once for the failed write
 * and once for the ended stream, and a close would be the third time, which ends the process. What is not closed so is
 * given back by those two.
 */
export function guardStream<A>(stream: NativeStream<A>): void {
  const activate = stream.activate.bind(stream);
  const close = stream.close.bind(stream);
  let request: 'none' | 'writing' | 'written' | 'failed' = 'none';
  let isToClose = false;

  stream.activate = async (options) => {
    request = 'writing';
    try {
      await activate(options);
    } catch (error) {
      request = 'failed';
      throw error;
    }
    request = 'written';
    if (isToClose) close();
  };
  stream.close = () => {
    if (request === 'none' || request === 'written') close();
    isToClose = true;
  };
}
