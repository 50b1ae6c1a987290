import { test } from 'vitest';
import { memoryStore } from './test-opener-store.ts';
import { openerStoreContract } from './test-opener-store-contract.ts';

test.each(openerStoreContract)('in memory $says', ({ holds }) => holds(memoryStore()));
