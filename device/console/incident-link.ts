import { isLoopbackName } from '../platform/host-check.ts';

/** Where people see an incident, by its sys_id. */
export type IncidentLink = (sysId: string) => string;

/** On this machine it is the review page of the local ServiceNow; elsewhere an instance's own frame. */
export function incidentLinks(serviceNowUrl: string): IncidentLink {
  const base = serviceNowUrl.replace(/\/+$/, '');
  if (isLoopbackName(new URL(serviceNowUrl).hostname))
    return (sysId) => `${base}/incident/${encodeURIComponent(sysId)}`;
  return (sysId) => `${base}/nav_to.do?uri=${encodeURIComponent(`incident.do?sys_id=${encodeURIComponent(sysId)}`)}`;
}
