import type { HttpApp } from './http-server.ts';

export interface HealthOptions {
  component: string;
  /** Name and version. */
  software: string;
  /** Sentences that say why the component does not do its work now; none when it does. */
  reasons: () => readonly string[];
}

/**
 * `/healthz` says that the process answers; whoever restarts components asks here. `/readyz` says whether it does its
 * work: 200, or 503 with the reasons. A broken sensor or a paused instance is cured by no restart, so it is in the second.
 */
export function mountHealth(app: HttpApp, { component, software, reasons }: HealthOptions): void {
  app.get('/healthz', (c) => c.json({ status: 'ok', component, software }));
  app.get('/readyz', (c) => {
    const found = reasons();
    return found.length === 0
      ? c.json({ status: 'ready', component, reasons: [] })
      : c.json({ status: 'not-ready', component, reasons: found }, 503);
  });
}
