import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import stompit, { type Client } from 'stompit';
import { AppError } from '../../device/platform/errors.ts';
import { freePort } from '../../device/platform/test-free-port.ts';
import { eventually } from './eventually.ts';

/** Where Debian's package `activemq` has it. */
const home = '/usr/share/activemq';
const startLimitMs = 60_000;

export interface ActiveMqOptions {
  /** For its configuration and log; the broker keeps its messages in memory. */
  folder: string;
  /** Names of users, and the group that each is in. */
  users: Readonly<Record<string, string>>;
  /** Elements of `<plugins>` beside the users. */
  plugins: string;
  /** Its element of that name. */
  destinationPolicy: string;
  /** Is there from the start, so that nobody who sends to it has to be able to make it. */
  queue: string;
}

export interface StompAddress {
  port: number;
  username: string;
  password: string;
}

export interface ActiveMq {
  /** For a user: all have one password, which is random. */
  addressFor(username: string): StompAddress;
  stop(): Promise<void>;
}

/**
 * An ActiveMQ of the test's own, in memory, on a free port of loopback, which speaks STOMP and whose users sign in. The
 * test stops it.
 * @throws AppError `activemq-missing`, `activemq-failed` with the end of its log
 */
export async function startActiveMq(options: ActiveMqOptions): Promise<ActiveMq> {
  const { folder, users } = options;
  const jar = join(home, 'bin', 'activemq.jar');
  if (!existsSync(jar)) {
    throw new AppError('activemq-missing', `There is no ${jar}. On Debian: apt-get install activemq.`);
  }
  const base = join(folder, `activemq-${randomUUID()}`);
  for (const name of ['conf', 'data', 'tmp']) mkdirSync(join(base, name), { recursive: true });
  const [port, password] = [await freePort(), randomUUID()];
  const configuration = join(base, 'conf', 'activemq.xml');
  writeFileSync(configuration, configurationOf(options, { port, password, data: join(base, 'data') }));
  writeFileSync(join(base, 'conf', 'log4j.properties'), logging);
  const logFile = join(folder, 'activemq.log');
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(
    'java',
    [
      // It lives for seconds: started fast rather than running fast.
      ...['-Xms64m', '-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
      ...[`-Dactivemq.home=${home}`, `-Dactivemq.base=${base}`, `-Dactivemq.classpath=${join(base, 'conf')}`],
      ...[`-Djava.io.tmpdir=${join(base, 'tmp')}`, '-jar', jar, 'start', `xbean:file:${configuration}`],
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const addressFor = (username: string) => ({ port, username, password });
  const stop = async () => {
    await end(child);
    rmSync(base, { recursive: true, force: true });
  };
  try {
    await untilReady(child, addressFor(Object.keys(users)[0] ?? ''), logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { addressFor, stop };
}

/** A connection of a user. @throws Error where the broker is not there or refuses the user */
export function connectStomp({ port, username, password }: StompAddress): Promise<Client> {
  return new Promise((resolve, reject) => {
    const connectHeaders = { login: username, passcode: password, 'heart-beat': '0,0' };
    stompit.connect({ host: '127.0.0.1', port, connectHeaders }, (error, client) => {
      if (error === null) resolve(client);
      else reject(error);
    });
  });
}

const logging = `log4j.rootLogger=WARN, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d %-5p %c %m%n
`;

function configurationOf(
  options: ActiveMqOptions,
  { port, password, data }: { port: number; password: string; data: string },
): string {
  const users = Object.entries(options.users).map(
    ([name, group]) => `<authenticationUser username="${name}" password="${password}" groups="${group}"/>`,
  );
  return `<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans-2.0.xsd http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="plant" persistent="false" useJmx="false" schedulerSupport="false" dataDirectory="${data}">
    ${options.destinationPolicy}
    <destinations><queue physicalName="${options.queue}"/></destinations>
    <plugins>
      <simpleAuthenticationPlugin anonymousAccessAllowed="false"><users>${users.join('')}</users></simpleAuthenticationPlugin>
      ${options.plugins}
      <!-- STOMP does not tell when the broker took a message; with this its time stamp does. -->
      <timeStampingBrokerPlugin/>
    </plugins>
    <transportConnectors><transportConnector name="stomp" uri="stomp://127.0.0.1:${port}"/></transportConnectors>
  </broker>
</beans>
`;
}

async function untilReady(child: ChildProcess, address: StompAddress, logFile: string): Promise<void> {
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code) => (ended ??= `exit code ${code}`));
  const words = () => readFileSync(logFile, 'utf8').slice(-2_000);
  await eventually(
    async () => {
      if (ended !== undefined) return;
      (await connectStomp(address)).destroy();
    },
    { limitMs: startLimitMs },
  ).catch((error: unknown) => (ended = String(error)));
  if (ended !== undefined) throw new AppError('activemq-failed', `ActiveMQ did not start: ${ended}. ${words()}`);
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    // It has nothing to keep.
    child.kill('SIGKILL');
  });
}
