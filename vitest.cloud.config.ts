import { defineConfig } from 'vitest/config';

/** The tests on an AWS account, which `npm run test:cloud` starts, and the template tests of the rooms beside them. */
export default defineConfig({
  test: {
    exclude: ['**/node_modules/**', 'dist/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'account', include: ['{cloud,device,scripts}/**/*.cloud.test.ts'] } },
      // One after the other in a process that has loaded the CDK once.
      { extends: true, test: { name: 'templates', include: ['cloud/*/stack.test.ts'], isolate: false } },
    ],
  },
});
