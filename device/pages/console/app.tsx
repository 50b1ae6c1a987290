import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { liveValues, type Overview, overview as overviewSchema } from '../../console/contract.ts';
import { Tabs } from '../shared/tabs.tsx';
import { ConnectionState, useEvents } from '../shared/use-events.tsx';
import { BreachList } from './breach-list.tsx';
import { ConfigurationList } from './configuration-list.tsx';
import { createConsoleApi } from './console-api.ts';
import { DeadLetterList } from './dead-letter-list.tsx';
import { DeviceList } from './device-list.tsx';
import { DeviceSection } from './device-section.tsx';
import { fragmentOf, readFragment } from './fragment.ts';
import { HandlerState } from './handler-state.tsx';
import { createLiveFeed, withValues } from './live.ts';
import { SilenceDialog, type SilenceScope } from './silence-dialog.tsx';
import { SilenceList } from './silence-list.tsx';
import { around, type TimeWindow } from './time-window.ts';
import { TokenButton } from './token-button.tsx';
import { forgetToken, keptToken, takeTokenFromAddress } from './token-store.tsx';

interface Device {
  site: string;
  deviceId: string;
}

takeTokenFromAddress();

export function App() {
  const [overview, setOverview] = useState<Overview>();
  const [mayChange, setMayChange] = useState<boolean>();
  /** How often the stream began: what was missed before is read anew. */
  const [openings, setOpenings] = useState(0);
  const [problem, setProblem] = useState<string>();
  const [chosen, setChosen] = useState<Device>();
  const [window, setWindow] = useState<TimeWindow>({ kind: 'live', spanMs: 15 * 60_000 });
  const [silencing, setSilencing] = useState<SilenceScope>();
  const api = useMemo(() => createConsoleApi(keptToken), []);
  const feed = useMemo(createLiveFeed, []);

  const tryToken = async (): Promise<string | undefined> => {
    if (keptToken() === undefined) {
      setMayChange(false);
      return undefined;
    }
    const answer = await api.showToken();
    setMayChange(answer.ok);
    if (answer.ok) void load();
    else if (answer.status === 401) forgetToken();
    return answer.ok ? undefined : answer.error;
  };
  const load = async () => {
    const answer = await api.overview();
    setProblem(answer.ok ? undefined : answer.error);
    if (answer.ok) setOverview(answer.value);
  };
  useEffect(() => {
    void tryToken();
    void load();
  }, []);

  const connection = useEvents('/api/events', {
    onOpen() {
      setOpenings((before) => before + 1);
      void load();
    },
    on: {
      overview(data) {
        const parsed = overviewSchema.safeParse(data);
        if (parsed.success) setOverview(parsed.data);
        else setProblem('The handler is of another release than this page: load the page again.');
      },
      values(data) {
        const parsed = liveValues.safeParse(data);
        if (!parsed.success) return;
        feed.publish(parsed.data);
        setOverview((before) => before && withValues(before, parsed.data));
      },
    },
  });

  /** The address names what is looked at, so that it can be given to others, and incidents can lead here. */
  const wanted = useRef(readFragment(location.hash));
  const follow = () => {
    wanted.current = readFragment(location.hash);
    setOverview((before) => before && { ...before });
  };
  useEffect(() => {
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    if (overview === undefined) return;
    const { device, breachId } = wanted.current;
    if (device === undefined && breachId === undefined) return;
    wanted.current = { token: undefined, device: undefined, breachId: undefined };
    const breach = overview.breaches.find(({ id }) => id === breachId);
    if (breach !== undefined) {
      setWindow(around(breach.startedAtMs, breach.endedAtMs, overview.nowMs, overview.historyMs));
    } else if (breachId !== undefined) {
      setProblem('This breach is no longer kept here: what is shown is the device as it is now.');
    }
    setChosen(breach ?? device);
  }, [overview]);

  const device =
    overview?.devices.find((one) => one.site === chosen?.site && one.deviceId === chosen.deviceId) ??
    overview?.devices[0];
  const choose = (next: Device) => {
    setChosen({ site: next.site, deviceId: next.deviceId });
    history.replaceState(null, '', fragmentOf({ device: next, breachId: undefined }));
  };

  return (
    <>
      <a class="skip-link" href="#main">
        Skip to the content
      </a>
      <header class="app-header">
        <h1 class="title">Device console</h1>
        <ConnectionState connection={connection} />
        <span class="spacer" />
        {overview === undefined ? null : (
          <a href={overview.instanceUrl} target="_blank" rel="noreferrer">
            ServiceNow
          </a>
        )}
        <TokenButton mayChange={mayChange} onToken={tryToken} />
      </header>
      <main id="main" tabIndex={-1}>
        {problem === undefined ? null : (
          <p class="banner bad" role="alert">
            {problem}
          </p>
        )}
        {overview === undefined ? null : (
          <>
            <HandlerState overview={overview} />
            {overview.devices.length > 1 ? (
              <DeviceList devices={overview.devices} current={device} onChoose={choose} />
            ) : null}
            {device === undefined ? (
              <p class="card empty">
                No device has spoken yet. Readings appear here as soon as a sensor monitor publishes them.
              </p>
            ) : (
              <DeviceSection
                key={`${device.site}\n${device.deviceId}`}
                device={device}
                overview={overview}
                feed={feed}
                openings={openings}
                api={api}
                window={window}
                onWindow={setWindow}
                onSilence={setSilencing}
              />
            )}
            <Tabs
              label="What the handler knows"
              tabs={[
                {
                  label: 'Breaches and incidents',
                  content: () => <BreachList breaches={overview.breaches} nowMs={overview.nowMs} />,
                },
                {
                  label: overview.silences.length === 0 ? 'Silences' : `Silences (${overview.silences.length})`,
                  content: () => <SilenceList overview={overview} api={api} onNew={setSilencing} onChanged={load} />,
                },
                {
                  label:
                    overview.outbox.deadLetters === 0
                      ? 'Dead letters'
                      : `Dead letters (${overview.outbox.deadLetters})`,
                  content: () => <DeadLetterList count={overview.outbox.deadLetters} api={api} onChanged={load} />,
                },
                { label: 'Configuration', content: () => <ConfigurationList api={api} /> },
              ]}
            />
          </>
        )}
        {silencing === undefined || overview === undefined ? null : (
          <SilenceDialog
            scope={silencing}
            devices={overview.devices}
            api={api}
            onClose={() => setSilencing(undefined)}
            onSet={load}
          />
        )}
      </main>
    </>
  );
}
