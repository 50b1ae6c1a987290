import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { codeOf } from '../../platform/errors.ts';
import { isTlsFailure } from '../mqtt/failure.ts';
import { tlsReason } from '../tls-files.ts';
import type { Credentials } from './options.ts';

export interface TlsProbe {
  cancel(): void;
}

/**
 * A TLS handshake with Node's own library, to find out why the native client gets nowhere: it tells no reason, and tells a
 * failure only after a pause of 10 to 30 s (s2n's blinding). `onFailure` hears what is wrong with the certificates or the
 * protocol; nothing is told where the handshake succeeds, the network is at fault or the probe was cancelled.
 */
export function probeTls(
  { endpoint, port }: { endpoint: string; port: number },
  { ca, cert, key }: Credentials,
  onFailure: (reason: string) => void,
): TlsProbe {
  const servername = isIP(endpoint) === 0 ? { servername: endpoint } : {};
  const socket = connect({ host: endpoint, port, ca, cert, key, ...servername }, () => socket.destroy());
  socket.on('error', (error) => {
    if (isTlsFailure(codeOf(error))) onFailure(tlsReason(error));
    socket.destroy();
  });
  return {
    cancel() {
      onFailure = () => {};
      socket.destroy();
    },
  };
}
