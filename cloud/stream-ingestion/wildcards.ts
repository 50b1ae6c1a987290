import type { Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [];
