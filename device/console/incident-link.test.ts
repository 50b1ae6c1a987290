import { expect, test } from 'vitest';
import { incidentLinks } from './incident-link.ts';

test.each([
  ['http://127.0.0.1:8088', 'abc', 'http://127.0.0.1:8088/incident/abc'],
  ['http://localhost:8088/', 'abc', 'http://localhost:8088/incident/abc'],
  ['http://[::1]:8088', 'abc', 'http://[::1]:8088/incident/abc'],
  ['https://dev1.service-now.com', 'abc', 'https://dev1.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3Dabc'],
  ['http://127.0.0.1:8088', '../x?y', 'http://127.0.0.1:8088/incident/..%2Fx%3Fy'],
])('at %s an incident %s is seen at %s', (url, sysId, link) => {
  expect(incidentLinks(url)(sysId)).toBe(link);
});
