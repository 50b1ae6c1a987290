import type { Server } from 'node:net';
import { AppError, codeOf, messageOf } from './errors.ts';

export interface ListenOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Who listens, for the sentence: `the console`. */
  what: string;
  /** The option that chooses the port, for the sentence when it is taken: `http.handlerPort`. */
  portOption: string;
}

/**
 * Lets a server listen; answers its port.
 * @throws AppError `port-in-use`, `listen-failed`
 */
export function listen(server: Server, { host, port, what, portOption }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => {
      reject(
        codeOf(cause) === 'EADDRINUSE'
          ? new AppError(
              'port-in-use',
              `Port ${port} on ${host} is in use: stop what listens there, or choose another port for ${what} with ${portOption}.`,
              { cause },
            )
          : new AppError('listen-failed', `Cannot listen on ${host}, port ${port}, for ${what}: ${messageOf(cause)}.`, {
              cause,
            }),
      );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
      else reject(new Error('the server has no address'));
    });
  });
}
