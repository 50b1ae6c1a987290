import { describe, expect, it } from 'vitest';
import { packageProblems, textProblems } from './house-rules.ts';

describe('what no tracked file holds', () => {
  it.each([
    [`see ${'/work'}/main/x.ts`, 'a path of one machine'],
    [`logs in ${'/tmp'}/bash_jobs`, 'a path of one machine'],
    [`in /${'home'}/alice/x`, 'a path of one machine'],
    [`https://${'registry'}.npmjs.org/zod`, 'the host of a package registry'],
    [`// ${'TO'}${'DO'}: later`, 'something that is not done'],
    [`${'<'.repeat(7)} HEAD`, 'a merge that is not finished'],
    [`  ${'it'}.only('x')`, 'a test that switches the others off'],
    [`-----BEGIN ${'PRIVATE'} KEY-----\n${'A'.repeat(64)}`, 'a private key'],
  ])('finds %j', (line, why) => {
    expect(textProblems('x.ts', `first\n${line}\n`)).toEqual([`x.ts:2 holds ${why}`]);
  });

  it.each(['device/work/x.ts', 'the path /home/pi/data', 'https://example.com/root/x', 'todos', 'const only = it'])(
    'lets %j pass',
    (line) => {
      expect(textProblems('x.ts', line)).toEqual([]);
    },
  );
});

describe('packages', () => {
  it('lets exact versions, aliases and a lock file without hosts pass', () => {
    const manifest = {
      dependencies: { zod: '4.6.7' },
      devDependencies: { tsc: 'npm:typescript@7.0.2', b: '1.0.0-rc.1' },
    };
    expect(packageProblems(manifest, { packages: { '': {}, 'node_modules/zod': { version: '4.6.7' } } })).toEqual([]);
  });

  it('names ranges and hosts', () => {
    const lock = { packages: { 'node_modules/zod': { resolved: 'https://example.com/zod.tgz' } } };
    const problems = packageProblems({ dependencies: { zod: '^4.6.7' }, devDependencies: { x: 'latest' } }, lock);
    expect(problems).toHaveLength(3);
    expect(problems.join()).toMatch(/zod is \^4\.6\.7.*x is latest.*zod names a host/);
  });
});
