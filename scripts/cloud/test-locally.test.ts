import { expect, it } from 'vitest';
import { gaps } from '../../cloud/gaps.ts';
import { filtersOf } from './test-locally.ts';

it('a room alone is tested with the probes of its gaps, and one without gaps without them', () => {
  const [gap] = gaps;
  expect(filtersOf([gap?.room ?? ''])).toEqual([`cloud/${gap?.room}/`, 'cloud/testing/gaps.cloud.test.ts']);
  expect(filtersOf(['no-gaps-room'])).toEqual(['cloud/no-gaps-room/']);
  expect(filtersOf([])).toEqual([]);
});
