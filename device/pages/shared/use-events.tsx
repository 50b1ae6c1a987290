import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * connecting → live → lost → connecting …: lost when the stream breaks, is refused, or says nothing for `silentMs` (a
 * connection that died without a word); tried again after a growing pause. A page that nobody sees has no stream: a
 * browser has six connections to a server, and a seventh open tab would wait for one of them.
 */
export type Connection = 'connecting' | 'live' | 'lost';

/** Three heartbeats of the server. */
const silentMs = 45_000;
const retryMs = { first: 1_000, most: 30_000 } as const;

export interface EventHandlers {
  /** The stream is there, for the first time or again: what was missed meanwhile is to be read anew. */
  onOpen?: () => void;
  /** By name of the event; gets its JSON, not parsed further. */
  on: Readonly<Record<string, (data: unknown) => void>>;
}

/** Follows a stream of server-sent events while the component lives. The set of event names must not change. */
export function useEvents(url: string, handlers: EventHandlers): Connection {
  const [connection, setConnection] = useState<Connection>('connecting');
  const latest = useRef(handlers);
  latest.current = handlers;

  useEffect(() => {
    let source: EventSource | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let pauseMs: number = retryMs.first;

    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(lose, silentMs);
    };
    const close = () => {
      source?.close();
      clearTimeout(silence);
      clearTimeout(retry);
    };
    const lose = () => {
      close();
      setConnection('lost');
      retry = setTimeout(connect, pauseMs);
      pauseMs = Math.min(pauseMs * 2, retryMs.most);
    };
    function connect() {
      source = new EventSource(url);
      source.onopen = () => {
        pauseMs = retryMs.first;
        setConnection('live');
        heard();
        latest.current.onOpen?.();
      };
      source.onerror = lose;
      source.addEventListener('heartbeat', heard);
      for (const name of Object.keys(latest.current.on)) {
        source.addEventListener(name, (event) => {
          heard();
          latest.current.on[name]?.(JSON.parse(event.data));
        });
      }
      heard();
    }
    const followWhileSeen = () => {
      close();
      setConnection('connecting');
      if (document.visibilityState === 'visible') connect();
    };
    followWhileSeen();
    document.addEventListener('visibilitychange', followWhileSeen);
    return () => {
      document.removeEventListener('visibilitychange', followWhileSeen);
      close();
    };
  }, [url]);
  return connection;
}

const connectionTexts: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Connection lost, trying again',
};

export function ConnectionState({ connection }: { connection: Connection }) {
  return (
    <span class={`connection ${connection}`} role="status">
      {connectionTexts[connection]}
    </span>
  );
}
