import { codeOf, messageOf } from '../../platform/errors.ts';
import type { ConnectionFailure } from '../connection.ts';
import { tlsReason } from '../tls-files.ts';

/** What CONNACK codes of MQTT 3.1.1 mean for whoever set this up. */
const refusals: Readonly<Record<number, string>> = {
  1: 'the broker does not speak MQTT 3.1.1',
  2: 'the broker refuses the client id; choose another with transport.mqtt.clientId',
  4: 'the broker refuses the user name or password; check transport.mqtt.username and passwordFile',
  5: 'the broker refuses this client: not authorised; check its user and password, and the broker’s access list',
};

/** An error of MQTT.js, the socket or the TLS layer, told to people. No secret is in any of them. */
export function connectionFailure(error: unknown, address: string): ConnectionFailure {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const refusal = typeof code === 'number' ? refusals[code] : undefined;
  if (refusal !== undefined) return { reason: refusal, refused: true };
  const known = socketFailure(codeOf(error), address);
  if (known !== undefined) return { reason: known, refused: false };
  if (isTlsFailure(codeOf(error))) {
    return {
      reason: `TLS with ${address} failed: ${tlsReason(error)}; check caFile, certFile and keyFile`,
      refused: true,
    };
  }
  return { reason: `${address}: ${messageOf(error)}`, refused: false };
}

function socketFailure(code: string | undefined, address: string): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${address}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name of ${address} cannot be resolved`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${address} cannot be reached`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `${address} ended the connection`;
    default:
      return undefined;
  }
}

/** Whether a code of Node's errors is one of certificates or of TLS itself. */
export function isTlsFailure(code: string | undefined): boolean {
  return code !== undefined && tlsCode.test(code);
}

const tlsCode =
  /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_|EPROTO)/;
