import { join } from 'node:path';
import { stringify } from 'yaml';
import { awsComponents } from '../../cloud/greengrass/definition.ts';
import type { BundleFacts } from './bundle.ts';
import { files } from './identity.ts';

export type Nucleus = 'classic' | 'lite';

/**
 * `config.yaml` of a nucleus whose identity lies in `<root>/certs`. Source: Greengrass V2 Developer Guide, "Install with
 * manual resource provisioning" (classic) and "Greengrass nucleus lite" (lite).
 */
export function nucleusConfig(facts: BundleFacts, root: string, nucleus: Nucleus): string {
  const configuration = {
    awsRegion: facts.region,
    iotRoleAlias: facts.roleAlias,
    iotDataEndpoint: facts.dataEndpoint,
    iotCredEndpoint: facts.credentialsEndpoint,
  };
  const services =
    nucleus === 'classic'
      ? {
          'aws.greengrass.Nucleus': {
            componentType: 'NUCLEUS',
            version: awsComponents['aws.greengrass.Nucleus'],
            configuration,
          },
        }
      : {
          'aws.greengrass.NucleusLite': {
            componentType: 'NUCLEUS',
            configuration: {
              ...configuration,
              runWithDefault: { posixUser: 'ggcore:ggcore' },
              greengrassDataPlanePort: '8443',
            },
          },
        };
  return stringify({
    system: {
      certificateFilePath: join(root, 'certs', files.certificate),
      privateKeyPath: join(root, 'certs', files.key),
      rootCaPath: join(root, 'certs', files.rootCa),
      rootpath: root,
      thingName: facts.thing,
    },
    services,
  });
}
