import { z } from 'zod';
import { severities } from '../anomaly/anomaly.ts';
import { namePart } from '../reading/reading.ts';

/**
 * The one schema of the configuration: it validates, gives defaults, and the reference (device/config/REFERENCE.md) is
 * generated from it. Every field has a description and a default; its metadata has `unit`, for a map what its `keys` are,
 * `off` where the word `off` takes away what a layer below gave, and `live` where a change takes effect at once in what
 * runs (for a group or map: of all that stands in it). A change of any other field restarts the component in its process.
 *
 * A deployment's numbers and booleans may arrive as strings, so leaves coerce them, strictly.
 */

const hourMs = 3_600_000;
const minuteMs = 60_000;
const metricUnit = "the metric's unit";

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A number in decimal digits, also as a text; not what `Number` would make of `0x1f`, an empty text or `Infinity`. */
function numeric(value: unknown): unknown {
  return typeof value === 'string' && decimal.test(value.trim()) ? Number(value) : value;
}

/** YAML reads `1` and `true` as what they look like; where only a text can be meant, they are one. */
function textual(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

function absentIfOff(value: unknown): unknown {
  return value === 'off' ? undefined : value;
}

/** A duration in milliseconds. */
const ms = (fallback: number, description: string, least = 0) =>
  z
    .preprocess(
      numeric,
      z
        .number()
        .int()
        .min(least)
        .max(31 * 24 * hourMs),
    )
    .default(fallback)
    .describe(description)
    .meta({ unit: 'ms' });

const int = (fallback: number, least: number, most: number, unit: string | undefined, description: string) =>
  z.preprocess(numeric, z.number().int().min(least).max(most)).default(fallback).describe(description).meta({ unit });

const number = (unit: string, description: string) =>
  z.preprocess(numeric, z.number()).describe(description).meta({ unit });

/** A limit that may be switched off. */
const limit = (description: string) =>
  z
    .preprocess((value) => numeric(absentIfOff(value)), z.number().optional())
    .optional()
    .describe(description)
    .meta({ unit: metricUnit, off: true });

/** A rule that is off unless given, and may be switched off again. */
function rule<T extends z.ZodType>(schema: T, description: string) {
  return z.preprocess(absentIfOff, schema.optional()).optional().describe(description).meta({ off: true });
}

const flag = (fallback: boolean, description: string) =>
  z
    .preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())
    .default(fallback)
    .describe(description);

const text = (fallback: string, description: string) => z.string().max(1_000).default(fallback).describe(description);
const requiredText = (fallback: string, description: string) =>
  z.string().min(1).max(1_000).default(fallback).describe(description);
const optionalText = (description: string) => z.string().min(1).max(1_000).optional().describe(description);

/** A group whose fields all have defaults may be left out as a whole. */
function group<T extends z.ZodRawShape>(shape: T, description: string) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .describe(description);
}

/** A change takes effect without a restart: who uses the field reads it anew, or is told (`Monitor.reconfigure`). */
function live<T extends z.ZodType>(schema: T): T {
  return schema.meta({ live: true });
}

const severity = z.enum(severities);
const oneToThree = z.preprocess(textual, z.enum(['1', '2', '3']));

const metricThresholds = z
  .strictObject({
    upper: limit('Rule upper: breached by a value above it.'),
    lower: limit('Rule lower: breached by a value below it.'),
    deadband: z
      .preprocess(numeric, z.number().min(0))
      .optional()
      .describe(
        'How far back inside the limit a value must come to clear. Default 0.5 for temperature, 2 for humidity, else 0.',
      )
      .meta({ unit: metricUnit }),
    onDelayMs: ms(minuteMs, 'How long a breach must last before it fires.'),
    offDelayMs: ms(0, 'How long a clear must last before it is resolved.'),
    severity: severity.default('high').describe('Severity of a breach that is in no tier.'),
    tiers: z
      .array(
        z.strictObject({
          beyond: z
            .preprocess(numeric, z.number().min(0))
            .describe('Distance beyond the limit at which this severity begins.')
            .meta({ unit: metricUnit }),
          severity: severity.describe('Severity from there on.'),
        }),
      )
      .max(8)
      .default([])
      .describe('Severities by distance beyond the limit; tiers of one rule, not rules of their own.'),
    rateOfChange: rule(
      z.strictObject({
        perMinute: z
          .preprocess(numeric, z.number().positive())
          .describe('Breached by a change faster than this, up or down.')
          .meta({ unit: `${metricUnit} a minute` }),
        windowMs: ms(5 * minuteMs, 'Over how long the rate is measured.', 1_000),
      }),
      'Rule rate-of-change; off unless given.',
    ),
    stuck: rule(
      z.strictObject({
        afterMs: ms(hourMs, 'Breached by a value that has not changed for this long.', 1_000),
        tolerance: z
          .preprocess(numeric, z.number().min(0))
          .default(0)
          .describe('Changes up to this count as none.')
          .meta({ unit: metricUnit }),
      }),
      'Rule stuck; off unless given.',
    ),
    ewma: rule(
      z.strictObject({
        halfLifeMs: ms(hourMs, 'Half-life of the moving average.', 1_000),
        deviations: z
          .preprocess(numeric, z.number().min(1))
          .default(4)
          .describe('Breached beyond this many standard deviations.')
          .meta({ unit: 'σ' }),
        minDeviation: z
          .preprocess(numeric, z.number().min(0))
          .default(0.1)
          .describe('Smallest standard deviation that is assumed.')
          .meta({ unit: metricUnit }),
        warmUpMs: ms(hourMs, 'How long it learns before it judges.'),
      }),
      'Rule ewma (deviation from an exponentially weighted moving average); off unless given.',
    ),
  })
  .describe('Limits of one metric.');

const plausibility = z.strictObject({
  min: number(metricUnit, 'Smallest believable value.').optional(),
  max: number(metricUnit, 'Largest believable value.').optional(),
  maxStep: number(metricUnit, 'Largest believable change between two readings.').optional(),
});

export const configSchema = z
  .strictObject({
    site: namePart.default('home').describe('Where the device stands; first part of every key.'),
    deviceId: namePart
      .refine((id) => id !== 'handler', 'the id `handler` is reserved')
      .default('IoT-blog_Core')
      .describe('This device. Under Greengrass the default is the name of the thing.'),
    opener: z
      .enum(['edge', 'cloud'])
      .default('edge')
      .describe('Who opens incidents for this device; the other side only records.'),
    sensor: group(
      {
        kind: z
          .enum(['auto', 'mock', 'replay', 'iio', 'i2c', 'node-sense-hat', 'mqtt'])
          .default('auto')
          .describe('Source of readings; auto tries iio, then i2c, and says which it chose and why.'),
        intervalMs: live(ms(5_000, 'Time between readings.', 20)),
        timeoutMs: live(ms(2_000, 'How long one read may take before it is a fault.', 10)),
        warmUpReadings: int(
          1,
          0,
          100,
          'readings',
          'Readings thrown away after a start: the first of the chip are wrong.',
        ),
        faultBackoffMaxMs: live(ms(minuteMs, 'Longest pause between reads while the sensor is faulty.', 100)),
        mock: group(
          {
            seed: int(1, 0, 2 ** 31, undefined, 'Seed of the weather: the same seed gives the same readings.'),
            scenario: requiredText('calm', 'Name of a scripted scenario (npm start -- --list-scenarios).'),
          },
          'The simulated sensor.',
        ),
        replay: group(
          {
            file: text('', 'CSV file with a header line.'),
            columns: z
              .record(z.string(), z.string().describe('Column of the file that holds it.'))
              .default({ timestamp: 'timestamp', temperature: 'temperature', humidity: 'humidity' })
              .describe(
                'Column of the file for `timestamp` and for each metric. The default counts where no column is given at all.',
              )
              .meta({ keys: 'metric' }),
            speed: z
              .union([z.literal('max'), z.preprocess(numeric, z.number().positive())])
              .default(1)
              .describe('1 keeps the real timing, 60 is a minute a second, max does not wait.'),
          },
          'The recorded sensor.',
        ),
        iio: group(
          { root: requiredText('/sys/bus/iio/devices', 'Folder of the kernel’s IIO devices.') },
          'The kernel’s sensor driver.',
        ),
        i2c: group(
          { device: requiredText('/dev/i2c-1', 'I²C bus of the Sense HAT.') },
          'The HTS221 and LPS25H on the bus.',
        ),
        mqtt: group(
          {
            topicFilter: requiredText(
              'IoTBlog/gateway/+',
              'Where other devices publish readings (the reading schema, or a flat object of numbers).',
            ),
            maxDevices: int(
              10_000,
              1,
              1_000_000,
              'devices',
              'Devices kept in memory; the longest idle is put away first.',
            ),
            idleMs: ms(hourMs, 'A device silent for this long is put away, its state saved.', 1_000),
            republish: flag(
              true,
              'Publish what is read again as topics.sensorData, with site, time and sequence. Off, it is on the broker once, and the console shows no curve of it.',
            ),
          },
          'Gateway: readings of other devices.',
        ),
        compensation: group(
          {
            enabled: flag(false, 'Correct the heat of the CPU; both raw and corrected values are published.'),
            factor: z
              .preprocess(numeric, z.number().positive())
              .default(1.5)
              .describe('t − (tCpu − t) / factor; belongs to the installation, measure it.')
              .meta({ unit: 'ratio' }),
            cpuTemperatureFile: requiredText('/sys/class/thermal/thermal_zone0/temp', 'CPU temperature in m°C.'),
            smoothing: int(5, 1, 100, 'readings', 'Over how many readings the CPU temperature is averaged.'),
          },
          'CPU-heat compensation.',
        ),
        plausibility: z
          .record(namePart, plausibility)
          .default({
            temperature: { min: -40, max: 120, maxStep: 20 },
            humidity: { min: 0, max: 100, maxStep: 50 },
            pressure: { min: 260, max: 1260, maxStep: 50 },
          })
          .describe('By metric: what is believed; anything else is a sensor fault, not a value.')
          .meta({ keys: 'metric' }),
      },
      'Where readings come from.',
    ),
    thresholds: live(
      z
        .record(namePart, metricThresholds)
        .prefault({ temperature: { upper: 30, deadband: 0.5 }, humidity: { upper: 50, deadband: 2 } })
        .describe(
          'Limits by metric: temperature in °C, humidity in %RH, pressure in hPa, or what a gateway’s devices send. `tempLimit` and `humidLimit` are other names of the upper limits of temperature and humidity.',
        )
        .meta({ keys: 'metric' }),
    ),
    noData: live(
      group(
        {
          enabled: flag(true, 'Whether silence of the sensor is a breach (rule no-data).'),
          afterMs: ms(minuteMs, 'Without a reading for this long the sensor has no data.', 100),
          severity: severity.default('medium').describe('Severity of no-data.'),
        },
        'No readings from the sensor.',
      ),
    ),
    anomaly: group(
      {
        updateIntervalMs: live(
          ms(
            5 * minuteMs,
            'Shortest time between two updates of one breach (a change of severity is told at once).',
            100,
          ),
        ),
        windowReadings: int(60, 0, 240, 'readings', 'Readings around the breach that a message carries.'),
      },
      'Messages of the monitor.',
    ),
    monitor: group(
      {
        heartbeatMs: live(ms(minuteMs, 'Time between heartbeats on the status topic.', 100)),
        rollCallMs: live(ms(15 * minuteMs, 'Time between roll calls.', 100)),
        saveStateMs: live(
          ms(minuteMs, 'How often running values are saved, without a sync; of devices at rest each fifth time.', 100),
        ),
        resendBaseMs: ms(1_000, 'First pause before an unanswered message is sent again; doubles, with jitter.', 10),
        resendCapMs: ms(5 * minuteMs, 'Longest pause between two sends.', 10),
        bufferReadings: int(
          10_000,
          0,
          1_000_000,
          'readings',
          'Readings kept while offline, oldest dropped first and counted.',
        ),
        maxWaitingMessages: int(10_000, 100, 1_000_000, 'messages', 'Rejected messages kept for a look.'),
        maxCloudMessages: int(
          10_000,
          100,
          1_000_000,
          'messages',
          'kind greengrass-ipc: anomalies kept until AWS IoT Core takes them, oldest lost first and counted.',
        ),
      },
      'The sensor monitor.',
    ),
    transport: group(
      {
        kind: z
          .enum(['mqtt', 'in-process', 'iot-core', 'greengrass-ipc'])
          .default('mqtt')
          .describe('How messages travel.'),
        maxPayloadBytes: int(
          64_000,
          1_000,
          1_000_000,
          'bytes',
          'Larger messages are dropped before they are parsed, and counted.',
        ),
        mqtt: group(
          {
            url: requiredText('mqtt://127.0.0.1:1883', 'mqtt:// or mqtts://.'),
            clientId: optionalText(
              'Default: made from component and device. Two clients of one id drive each other off the broker.',
            ),
            username: optionalText('User of the broker.'),
            passwordFile: optionalText('File with the password, mode 0600.'),
            caFile: optionalText('CA of the broker, PEM.'),
            certFile: optionalText('Client certificate for mutual TLS, PEM.'),
            keyFile: optionalText('Its key, PEM, mode 0600.'),
            connectTimeoutMs: ms(10_000, 'How long a connection may take.', 100),
            keepAliveMs: ms(30_000, 'MQTT keep-alive.', 1_000),
            publishTimeoutMs: ms(10_000, 'How long to wait for a PUBACK.', 100),
            reconnectBaseMs: ms(500, 'First pause before a reconnect; doubles, with jitter.', 10),
            reconnectCapMs: ms(30_000, 'Longest pause before a reconnect.', 10),
          },
          'An MQTT broker.',
        ),
        iotCore: group(
          {
            endpoint: optionalText(
              'Host name of AWS IoT Core: `aws iot describe-endpoint --endpoint-type iot:Data-ATS`. Kind iot-core needs it.',
            ),
            port: int(8_883, 1, 65_535, undefined, '8883, or 443 where a firewall lets nothing else out.'),
            thingName: optionalText('The thing that the certificate belongs to. Default: the device.'),
            certFile: requiredText('certs/iot-ge.cert.pem', 'Certificate of the thing, PEM.'),
            keyFile: requiredText('certs/iot-ge.private.key', 'Its private key, PEM, mode 0600.'),
            caFile: requiredText('certs/root.ca.pem', 'CA of the endpoint, PEM: Amazon Root CA 1.'),
            connectTimeoutMs: ms(10_000, 'How long a connection may take.', 100),
            keepAliveMs: ms(30_000, 'MQTT keep-alive; AWS IoT Core takes 30 s to 20 min.', 1_000),
            publishTimeoutMs: ms(10_000, 'How long to wait for a PUBACK.', 100),
            reconnectBaseMs: ms(500, 'First pause before a reconnect; doubles, with jitter.', 10),
            reconnectCapMs: ms(30_000, 'Longest pause before a reconnect.', 10),
          },
          'AWS IoT Core by MQTT 5 over mutual TLS, for a device without Greengrass.',
        ),
      },
      'Transport between the components.',
    ),
    topics: group(
      {
        sensorData: requiredText('IoTBlog/sensorData', 'Every reading.'),
        anomaly: requiredText('IoTBlog/anomaly', 'Anomalies.'),
        ack: requiredText('IoTBlog/anomaly/ack', 'Answers of the handler.'),
        status: requiredText('IoTBlog/status', 'Prefix of roll calls, heartbeats and the handler’s status.'),
        perDevice: flag(false, 'Put the device last in each topic, for a broker that several devices share.'),
      },
      'Topic names.',
    ),
    handler: group(
      {
        devices: z
          .array(namePart)
          .max(1_000)
          .default([])
          .describe('Devices that are served; empty serves all that speak.'),
        quietMs: live(ms(15 * minuteMs, 'Quiet period: from the resolved message to resolving the incident.')),
        onRecovery: live(
          z.enum(['resolve', 'note']).default('resolve').describe('What follows a recovery: resolve, or a note only.'),
        ),
        reopenWindowMs: live(
          ms(24 * hourMs, 'A breach this soon after the end reopens the incident instead of opening a new one.'),
        ),
        noteIntervalMs: live(ms(15 * minuteMs, 'Shortest time between two “still breaching” notes.')),
        orphan: live(
          z
            .enum(['resolve', 'note'])
            .default('resolve')
            .describe('What happens to an open incident whose breach its device no longer knows.'),
        ),
        deviceSilentMs: live(
          ms(5 * minuteMs, 'A device without a heartbeat for this long is silent; 0 turns the rule off.'),
        ),
        claimMs: ms(250, 'How long a starting handler listens for another one that serves the same instance.'),
        statusMs: live(ms(15_000, 'Time between the handler’s own status messages.', 100)),
        storm: live(
          group(
            {
              keys: int(
                20,
                1,
                100_000,
                'keys',
                'More keys than this opening at a site within the window make one incident.',
              ),
              windowMs: ms(minuteMs, 'The window.', 100),
            },
            'Storm guard.',
          ),
        ),
        maxNewPerHour: live(
          int(100, 1, 1_000_000, 'incidents', 'Cap on new incidents an hour; what exceeds it waits.'),
        ),
        maxDevices: int(100_000, 1, 10_000_000, 'devices', 'Devices kept in memory.'),
        keepEnded: live(
          int(
            10_000,
            100,
            10_000_000,
            'breaches',
            'Ended breaches whose incidents are told to the end that are kept for the record; the oldest go first.',
          ),
        ),
        maxRejected: live(
          int(1_000, 10, 1_000_000, 'messages', 'Rejected messages kept for a look (npm run handler -- dead-letters).'),
        ),
      },
      'The anomaly handler.',
    ),
    delivery: group(
      {
        settleMs: ms(
          90_000,
          'After an ambiguous end nothing is written for that key for this long: an instance may commit a request after its connection died.',
        ),
        concurrency: int(8, 1, 64, 'requests', 'Requests to the instance at a time.'),
        lookUpKeys: int(40, 1, 100, 'keys', 'Keys that share one look-up.'),
        backoffBaseMs: ms(1_000, 'First pause after a failure; doubles, with full jitter.', 10),
        backoffCapMs: ms(5 * minuteMs, 'Longest pause.', 10),
        breakerFailures: int(5, 1, 1_000, 'failures', 'Failures in a row after which the whole destination pauses.'),
        pauseMs: ms(5 * minuteMs, 'How long a destination that refuses us is left alone before the next try.', 10),
      },
      'How incidents are delivered.',
    ),
    serviceNow: group(
      {
        url: requiredText(
          'http://127.0.0.1:8088',
          'Base URL of the instance. `snowUrl` is another name, which takes the URL of the table as well.',
        ),
        instanceName: optionalText(
          'Name that the store knows the instance by; default its address. Give one where the address changes while the instance stays the same.',
        ),
        table: requiredText('incident', 'Table of the incidents.'),
        auth: z
          .enum(['auto', 'basic', 'oauth-password', 'oauth-client-credentials'])
          .default('auto')
          .describe('auto: OAuth where the secret names a client, else Basic.'),
        timeoutMs: ms(30_000, 'How long one request may take.', 100),
        caFile: optionalText('CA of the instance, PEM, where it is not a public one.'),
        maxResponseBytes: int(10_485_760, 10_000, 104_857_600, 'bytes', 'Longer answers are refused.'),
        occurrenceField: requiredText(
          'correlation_display',
          'Field that takes the id of the occurrence which opened the incident.',
        ),
        closeCode: requiredText('Solution provided', 'close_code of an incident that we resolve.'),
        fields: z
          .record(z.string(), z.preprocess(textual, z.string().max(1_000)).describe('Value of that field.'))
          .default({ category: 'hardware', contact_type: 'monitoring' })
          .describe(
            'Further fields of a new incident (assignment_group, caller_id, cmdb_ci, …). Values may hold {site} {device} {metric} {rule} {severity}.',
          )
          .meta({ keys: 'field' }),
        severity: z
          .record(
            severity,
            z.strictObject({
              impact: oneToThree.describe('1 is the highest.'),
              urgency: oneToThree.describe('1 is the highest.'),
            }),
          )
          .default({
            low: { impact: '3', urgency: '3' },
            medium: { impact: '2', urgency: '3' },
            high: { impact: '2', urgency: '2' },
            critical: { impact: '1', urgency: '1' },
          })
          .describe('Impact and urgency by severity; the instance makes the priority of them.')
          .meta({ keys: 'severity' }),
        attachChart: flag(true, 'Attach a chart of the readings around the breach (PNG).'),
        timeZone: requiredText('UTC', 'Time zone of the local times in descriptions, e.g. Europe/Berlin.'),
      },
      'The ServiceNow instance.',
    ),
    secrets: group(
      {
        kind: z.enum(['file', 'secrets-manager', 'greengrass']).default('file').describe('Where the credentials are.'),
        name: requiredText('greengrass-snow-creds', 'Name or ARN of the secret.'),
        file: text(
          '',
          'kind file: JSON file with the secret, mode 0600; default <dataDir>/greengrass-snow-creds.json.',
        ),
        region: optionalText('kind secrets-manager: region; default as the AWS SDK finds it.'),
        endpoint: optionalText('kind secrets-manager: endpoint, for a local account.'),
      },
      'ServiceNow credentials.',
    ),
    store: group(
      {
        dataDir: requiredText('data', 'Folder of all state.'),
        reserveBytes: int(
          8_000_000,
          0,
          1_000_000_000,
          'bytes',
          'Reserve file that is freed when the disk is full, to finish what was begun.',
        ),
      },
      'State on disk.',
    ),
    http: group(
      {
        host: requiredText(
          '127.0.0.1',
          'Address that health, metrics and console listen on; anything but loopback is a decision.',
        ),
        monitorPort: int(0, -1, 65_535, 'port', 'Health and metrics of the monitor; 0 takes any free port, -1 none.'),
        handlerPort: int(
          0,
          -1,
          65_535,
          'port',
          'Health, metrics and console of the handler; 0 takes any free port, -1 none.',
        ),
        allowedHosts: z
          .array(z.string().max(300))
          .max(50)
          .default([])
          .describe('Host names that are answered besides loopback’s.'),
      },
      'HTTP servers.',
    ),
    console: group(
      {
        enabled: flag(true, 'Whether the handler serves the device console, on http.handlerPort.'),
        url: optionalText(
          'Where people reach it, e.g. http://pi.example:9102; incidents then carry a link to the curve.',
        ),
        historyMs: ms(24 * hourMs, 'How long readings are kept for its curves.', minuteMs),
        maxDevices: int(100, 1, 1_000, 'devices', 'Devices whose readings it keeps.'),
      },
      'The device console.',
    ),
    log: group(
      {
        level: live(
          z
            .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
            .default('info')
            .describe('Least level that is written.'),
        ),
        pretty: z
          .preprocess(textual, z.enum(['auto', 'true', 'false']))
          .default('auto')
          .describe('Human-readable lines; auto on a terminal.'),
      },
      'Logs.',
    ),
  })
  .describe('Configuration of greengrass-itsm.');

export type Config = z.infer<typeof configSchema>;
export type MetricThresholds = z.infer<typeof metricThresholds>;
