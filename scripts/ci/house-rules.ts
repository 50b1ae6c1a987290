import { z } from 'zod';

/** What no tracked file holds, and why. Written so that this file does not hold it either. */
const denied: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/(?<![\w.])[/](work|root)[/]/, 'a path of one machine'],
  [/[/]tmp[/]bash/, 'a path of one machine'],
  [/[/](home|Users)[/](?!pi\b)[a-z]/, 'a path of one machine'],
  [/registry[.](npmjs|yarnpkg)[.]/, 'the host of a package registry'],
  [/\b(TO)(DO)\b|\bFIX(ME)\b/, 'something that is not done'],
  [/^<{7} |^>{7} /m, 'a merge that is not finished'],
  [/^\s*(?:it|test|describe)[.]only\b/m, 'a test that switches the others off'],
  [/-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----\s+[A-Za-z0-9+/]{40}/, 'a private key'],
];

/** What is wrong in one tracked file: `device/x.ts:12 holds a path of one machine`. */
export function textProblems(file: string, text: string): string[] {
  return denied.flatMap(([pattern, why]) => {
    const found = pattern.exec(text);
    if (found === null) return [];
    const line = text.slice(0, found.index).split('\n').length;
    return [`${file}:${line} holds ${why}`];
  });
}

const versions = z.record(z.string(), z.string()).optional();
const manifest = z.object({ dependencies: versions, devDependencies: versions });
const lockFile = z.object({ packages: z.record(z.string(), z.object({ resolved: z.string().optional() })) });

/** A lock file that names a host works behind no mirror; a range installs tomorrow what was not tested today. */
export function packageProblems(packageJson: unknown, packageLock: unknown): string[] {
  const { dependencies, devDependencies } = manifest.parse(packageJson);
  const ranges = Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json: ${name} is ${version}, not an exact version`);
  const hosts = Object.entries(lockFile.parse(packageLock).packages)
    .filter(([, { resolved }]) => resolved?.includes('://'))
    .map(([name]) => `package-lock.json: ${name} names a host; run npm install with the .npmrc of this folder`);
  return [...ranges, ...hosts];
}
