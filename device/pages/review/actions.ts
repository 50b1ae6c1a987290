import { fieldOf, type Row } from './instance-api.ts';

/** What a fulfiller does with an incident as a whole. */
export const actionNames = ['take', 'assign', 'hold', 'resume', 'resolve', 'reopen', 'cancel'] as const;
export type ActionName = (typeof actionNames)[number];

export const states = { new: '1', inProgress: '2', onHold: '3', resolved: '6', closed: '7', canceled: '8' } as const;

const whileOpen: readonly string[] = [states.new, states.inProgress, states.onHold];

/** States in which each action is offered. */
const offeredIn: Readonly<Record<ActionName, readonly string[]>> = {
  take: whileOpen,
  assign: whileOpen,
  hold: [states.new, states.inProgress],
  resume: [states.onHold],
  resolve: whileOpen,
  reopen: [states.resolved],
  cancel: whileOpen,
};

/** The actions that an incident allows to this person, in the order of their buttons. */
export function actionsFor(incident: Row, userSysId: string): ActionName[] {
  const state = fieldOf(incident, 'state').value;
  const isMine = fieldOf(incident, 'assigned_to').value === userSysId;
  // What is mine can be taken only to begin work on it.
  return actionNames.filter(
    (name) => offeredIn[name].includes(state) && !(name === 'take' && isMine && state !== states.new),
  );
}

/** What taking writes: it is mine, and work on it has begun. */
export function takeFields(incident: Row, userSysId: string): Record<string, string> {
  const isNew = fieldOf(incident, 'state').value === states.new;
  return { assigned_to: userSysId, ...(isNew ? { state: states.inProgress } : {}) };
}

/** Writes fields of the incident; answers what was wrong, or undefined when it is written. */
export type WriteIncident = (fields: Readonly<Record<string, string>>) => Promise<string | undefined>;
