import type { Manifest, Recipe } from './recipe-format.ts';

/** What the nucleus puts in for recipe variables, of one component on one core device. */
export interface RecipeVariables {
  /** `artifacts:decompressedPath`: holds a folder for each zip, named after it. */
  decompressedPath: string;
  /** `work:path`; also the directory that the steps run in. */
  workPath: string;
  /** `iot:thingName`, and `AWS_IOT_THING_NAME` of the environment. */
  thingName: string;
  /** The component's configuration, for `configuration:<JSON pointer>`; default is the recipe's own. */
  configuration?: unknown;
}

/**
 * The steps of a component as the nucleus runs them: each script by `sh -c`, in `cwd`, with `env` added. A
 * test's own nucleus adds its socket and token (`AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT`, `SVCUID`).
 */
export interface RecipeRun {
  install: string;
  /** Undefined where the platform is refused by the install step. */
  run: string | undefined;
  env: Record<string, string>;
  cwd: string;
}

/**
 * The exact shell commands of a recipe's install and run steps, with its variables replaced, for tests that start a
 * component as the nucleus does.
 * @throws Error for a platform without a manifest, and for a variable that stands for nothing
 */
export function recipeRun(
  recipe: Recipe,
  architecture: Manifest['Platform']['architecture'],
  variables: RecipeVariables,
): RecipeRun {
  const manifest = recipe.Manifests.find(({ Platform }) => Platform.architecture === architecture);
  if (manifest === undefined) throw new Error(`${recipe.ComponentName} has no manifest for ${architecture}`);
  const { Setenv = {}, install, run } = manifest.Lifecycle;
  const configuration = variables.configuration ?? recipe.ComponentConfiguration.DefaultConfiguration;
  const replaced = (text: string) =>
    text.replace(/\{([^{}]*)\}/g, (whole, variable: string) => {
      const value = variableValue(variable, { ...variables, configuration });
      if (value === undefined) throw new Error(`${recipe.ComponentName}: the variable ${whole} stands for nothing`);
      return value;
    });
  return {
    install: replaced(install.Script),
    run: run === undefined ? undefined : replaced(run.Script),
    env: {
      ...Object.fromEntries(Object.entries(Setenv).map(([name, value]) => [name, replaced(value)])),
      AWS_IOT_THING_NAME: variables.thingName,
    },
    cwd: variables.workPath,
  };
}

function variableValue(variable: string, variables: RecipeVariables): string | undefined {
  if (variable.startsWith('configuration:')) {
    const value = variable
      .slice('configuration:/'.length)
      .split('/')
      .reduce<unknown>((tree, key) => entryOf(tree, key), variables.configuration);
    return typeof value === 'string' ? value : undefined;
  }
  const known: Record<string, string> = {
    'artifacts:decompressedPath': variables.decompressedPath,
    'work:path': variables.workPath,
    'iot:thingName': variables.thingName,
  };
  return known[variable];
}

function entryOf(tree: unknown, key: string): unknown {
  if (typeof tree !== 'object' || tree === null) return undefined;
  return Object.entries(tree).find(([name]) => name === key)?.[1];
}

/** What `node` is told of itself by the run step: whoever starts the component in another way starts it with the same. */
export function nodeFlags({ Manifests }: Recipe): string[] {
  const script = Manifests.flatMap(({ Lifecycle }) => Lifecycle.run?.Script ?? [])[0] ?? '';
  return script.split(' ').filter((word) => word.startsWith('--'));
}
