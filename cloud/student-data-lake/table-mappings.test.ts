import { expect, test } from 'vitest';
import { tableMappings } from './table-mappings.ts';

test('a replication copies what the allow-list names, and nothing else', () => {
  const { rules } = tableMappings('public', { user_dim: ['id', 'locale'], course_dim: ['id'] });
  const locator = (table: string, column?: string) => ({
    'object-locator': { 'schema-name': 'public', 'table-name': table, ...(column ? { 'column-name': column } : {}) },
  });
  expect(rules).toMatchObject([
    { 'rule-type': 'selection', 'rule-action': 'include', ...locator('user_dim') },
    { 'rule-type': 'selection', 'rule-action': 'include', ...locator('course_dim') },
    { 'rule-type': 'transformation', 'rule-action': 'include-column', ...locator('user_dim', 'id') },
    { 'rule-type': 'transformation', 'rule-action': 'include-column', ...locator('user_dim', 'locale') },
    { 'rule-type': 'transformation', 'rule-action': 'include-column', ...locator('course_dim', 'id') },
  ]);
});
