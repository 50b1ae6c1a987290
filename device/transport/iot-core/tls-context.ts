import { io } from 'aws-iot-device-sdk-v2';
import type { Credentials } from './options.ts';

/** By this name port 443 tells MQTT from HTTPS; port 8883 takes it too. Source: AWS IoT Core, "Device communication protocols". */
const protocolName = 'x-amzn-mqtt-ca';

/**
 * The native TLS settings for these credentials. The last ones are kept: each holds about 0.7 MB until it is collected as
 * garbage, which a device that is offline for hours would notice.
 */
export function tlsContexts(): (credentials: Credentials) => io.ClientTlsContext {
  let last: { credentials: Credentials; context: io.ClientTlsContext } | undefined;
  return (credentials) => {
    const { cert, key, ca } = credentials;
    const same = last?.credentials;
    if (last !== undefined && same?.cert === cert && same.key === key && same.ca === ca) return last.context;
    const options = io.TlsContextOptions.create_client_with_mtls(cert, key);
    options.override_default_trust_store(ca);
    options.min_tls_version = io.TlsVersion.TLSv1_2;
    if (io.is_alpn_available()) options.alpn_list = [protocolName];
    last = { credentials, context: new io.ClientTlsContext(options) };
    return last.context;
  };
}
