import type { ExtensionsApi, LifecycleEvent } from './extensions-api.ts';

/** What an extension does in each phase of an execution environment. */
export interface ExtensionWork {
  /**
   * Before it registers, and so before the runtime starts: what is done here is there when the function is loaded. A
   * failure that it answers ends the environment, so that no invocation meets it.
   */
  init(): Promise<{ ok: true } | { ok: false; errorType: string; message: string }>;
  /** Beside the function; the environment waits for it. Absent where invocations do not matter. */
  invoke?(event: Extract<LifecycleEvent, { eventType: 'INVOKE' }>): Promise<void>;
  /** After the runtime; two seconds, less where others need them. */
  shutdown(event: Extract<LifecycleEvent, { eventType: 'SHUTDOWN' }>): Promise<void>;
}

/**
 * An external extension, from its start to its end; answers the exit code of its process.
 *
 * | state      | then                             | → state    |
 * |------------|----------------------------------|------------|
 * | starting   | init done, registered            | waiting    |
 * | starting   | init failed                      | ended, 1: `/init/error` |
 * | waiting    | INVOKE                           | working    |
 * | working    | done                             | waiting    |
 * | waiting    | SHUTDOWN                         | ended, 0   |
 * | any        | the API is gone, or a bug        | ended, 1: `/exit/error` |
 */
export async function runExtension(api: ExtensionsApi, { init, invoke, shutdown }: ExtensionWork): Promise<0 | 1> {
  const started = await init();
  await api.register(invoke === undefined ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN']);
  if (!started.ok) {
    await api.fail('init', started.errorType, started.message);
    return 1;
  }
  try {
    for (;;) {
      const event = await api.next();
      if (event.eventType === 'SHUTDOWN') {
        await shutdown(event);
        return 0;
      }
      await invoke?.(event);
    }
  } catch (error) {
    await api.fail('exit', 'Extension.Failed', error instanceof Error ? error.name : 'unknown').catch(() => undefined);
    return 1;
  }
}
