import { AppError } from '../../device/platform/errors.ts';

/** A package in a zip, with what it says of its licence. */
export interface Licensed {
  name: string;
  version: string;
  /** SPDX expression of its package.json, where it has one. */
  license: string | undefined;
  /** Its licence and notice files, in the order of their names; of a native part those of its package. */
  texts: readonly string[];
  readme: string | undefined;
}

const rule = '-'.repeat(100);

/** What follows the heading `License` of a README, in either way to mark one, up to the next heading. */
const licenceSection = /^(?:#+ *licen[cs]e\b.*|licen[cs]e *\n[-=]{3,}) *\n([\s\S]*?)(?=^#+ |(?![\s\S]))/im;

/**
 * One text with the licence of every package, each text once, under the names of those that it is for.
 * @throws AppError `no-licence` for a package that says nothing
 */
export function thirdPartyLicences(packages: readonly Licensed[]): string {
  const byText = new Map<string, string[]>();
  for (const one of packages) {
    const text = textOf(one);
    byText.set(text, [...(byText.get(text) ?? []), `${one.name} ${one.version} (${one.license ?? 'see the text'})`]);
  }
  const parts = [...byText].map(([text, names]) => `${rule}\n${names.toSorted().join('\n')}\n${rule}\n\n${text}\n`);
  const head = 'This package holds code of the following projects, each under its own licence.\n';
  return [head, ...parts.toSorted()].join('\n');
}

function textOf({ name, version, license, texts, readme }: Licensed): string {
  if (texts.length > 0) return texts.map(tidy).join('\n\n');
  const section = licenceSection.exec(readme ?? '')?.[1]?.trim();
  if (section !== undefined && section.length > 100) return tidy(section);
  if (license === 'Apache-2.0') return 'Apache License, Version 2.0: the text stands in LICENSE, beside this file.';
  throw new AppError(
    'no-licence',
    `${name}@${version} has no licence text, and ${license ?? 'no licence'} in its package.json. Find out under what ` +
      'terms it may be passed on, or do without it.',
  );
}

function tidy(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\S\n]+$/gm, '')
    .trim();
}
