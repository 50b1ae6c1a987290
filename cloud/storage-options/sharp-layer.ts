import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AssetHashType, CfnRule, DockerImage, Fn } from 'aws-cdk-lib';
import { type Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { z } from 'zod';
import type { Stage } from '../stages.ts';

const manifest = z.object({ version: z.string(), optionalDependencies: z.record(z.string(), z.string()) });

/** Where sharp lies, and what lies beside it. */
const sharpFolder = dirname(dirname(createRequire(import.meta.url).resolve('sharp')));
const modules = join(sharpFolder, '..');
const { version, optionalDependencies } = manifest.parse(
  JSON.parse(readFileSync(join(sharpFolder, 'package.json'), 'utf8')),
);

/** Packages with sharp's native code for Lambda on that architecture: sharp's own and the library that it calls. */
function binariesFor(architecture: 'arm64' | 'x64'): string[] {
  return [`@img/sharp-linux-${architecture}`, `@img/sharp-libvips-linux-${architecture}`];
}

/** Those of them that are not installed. */
export function missingBinaries(architecture: 'arm64' | 'x64'): string[] {
  return binariesFor(architecture).filter((name) => !existsSync(join(modules, name)));
}

/**
 * Puts sharp and all that it needs below `nodejs/node_modules` of a folder, which is where functions look for what a layer has.
 * @returns packages with native code that are not installed, and so not in it
 */
export function writeSharpLayer(folder: string, architecture: 'arm64' | 'x64'): string[] {
  const target = join(folder, 'nodejs', 'node_modules');
  const copy = (name: string) => cpSync(join(modules, name), join(target, name), { recursive: true });
  for (const part of ['package.json', 'dist', 'node_modules', 'LICENSE']) {
    const from = join(sharpFolder, part);
    if (existsSync(from)) cpSync(from, join(target, 'sharp', part), { recursive: true });
  }
  const own = ['@img/colour', 'detect-libc', 'semver'];
  for (const name of own) {
    if (!existsSync(join(sharpFolder, 'node_modules', name))) copy(name);
  }
  const missing = missingBinaries(architecture);
  for (const name of binariesFor(architecture)) if (!missing.includes(name)) copy(name);
  return missing;
}

/**
 * sharp as a layer, of what is installed here. npm installs native code for this machine alone; for functions of another
 * architecture it has to be asked for. Without it templates are made all the same, and a deploy is refused with the command.
 */
export class SharpLayer extends LayerVersion {
  constructor(scope: Construct, id: string, { stage }: { stage: Stage }) {
    const architecture = nodeName(stage.architecture);
    const missing = missingBinaries(architecture);
    super(scope, id, {
      description: `sharp ${version} for linux-${architecture}`,
      compatibleRuntimes: [Runtime.NODEJS_24_X],
      compatibleArchitectures: [stage.architecture],
      code: Code.fromAsset(sharpFolder, {
        assetHashType: AssetHashType.OUTPUT,
        bundling: {
          // The files are there already: no container is ever started. The command tells one asset from another.
          image: DockerImage.fromRegistry('none'),
          command: [version, architecture],
          local: {
            tryBundle(folder) {
              writeSharpLayer(folder, architecture);
              return true;
            },
          },
        },
      }),
    });
    if (missing.length === 0) return;
    const packages = missing.map((name) => `${name}@${optionalDependencies[name]}`).join(' ');
    // CloudFormation asks its rules before it touches anything.
    new CfnRule(this, 'Complete', {
      assertions: [
        {
          assert: Fn.conditionEquals('missing', 'installed'),
          assertDescription: `sharp has no native code for linux-${architecture} here. Run: npm install --no-save --force ${packages}, and deploy again.`,
        },
      ],
    });
  }
}

function nodeName({ name }: Architecture): 'arm64' | 'x64' {
  return name === 'arm64' ? 'arm64' : 'x64';
}
