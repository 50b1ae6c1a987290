import type { OwnComponent, Settings } from '../../cloud/greengrass/definition.ts';
import type { Names } from '../../cloud/greengrass/names.ts';
import type { Artifact, PackagedComponent } from './state.ts';

/** One change of the account. Each can be repeated, and each leaves a state from which the next run goes on. */
export type Step =
  | { kind: 'create-thing-group' }
  | { kind: 'create-thing'; keyIds: string[] }
  | { kind: 'note-keys'; keyIds: string[] }
  | { kind: 'add-to-group' }
  | { kind: 'create-policy' }
  | { kind: 'update-policy'; oldVersions: string[] }
  | { kind: 'create-role' }
  | { kind: 'update-role-trust' }
  | { kind: 'put-role-permissions' }
  | { kind: 'create-role-alias' }
  | { kind: 'update-role-alias' }
  | { kind: 'create-certificate'; csr: string }
  | { kind: 'attach-policy' }
  | { kind: 'attach-certificate' }
  | { kind: 'activate-certificate' }
  | { kind: 'create-secret' }
  | { kind: 'restore-secret' }
  | { kind: 'update-secret' }
  | { kind: 'create-bucket' }
  | { kind: 'mark-bucket' }
  | { kind: 'block-public-access' }
  | { kind: 'put-bucket-policy' }
  | { kind: 'upload'; artifact: Artifact }
  | { kind: 'create-component'; component: PackagedComponent }
  | { kind: 'await-component'; arn: string; name: string; version: string }
  | { kind: 'deploy'; settings: Settings; versions: Record<OwnComponent, string> }
  | { kind: 'remove-deployment'; id: string; active: boolean }
  | { kind: 'delete-core-device' }
  | { kind: 'delete-component'; arn: string; name: string; version: string }
  | { kind: 'delete-objects'; keys: string[] }
  | { kind: 'delete-bucket' }
  | { kind: 'delete-secret'; force: boolean; scheduled: boolean }
  | { kind: 'delete-role-alias' }
  | { kind: 'delete-role'; permissions: boolean }
  | { kind: 'revoke-certificate'; certificate: string; attached: boolean; hasPolicy: boolean; active: boolean }
  | { kind: 'remove-from-group' }
  | { kind: 'delete-thing' }
  | { kind: 'delete-policy'; oldVersions: string[] }
  | { kind: 'delete-thing-group' };

/** The step as the plan and the progress name it. */
export function titleOf(step: Step, names: Names): string {
  switch (step.kind) {
    case 'create-thing-group':
      return `create the thing group ${names.thingGroup}`;
    case 'create-thing':
      return `create the thing ${names.thing}`;
    case 'note-keys':
      return `note the keys of the thing ${names.thing}`;
    case 'add-to-group':
      return `add ${names.thing} to ${names.thingGroup}`;
    case 'create-policy':
      return `create the IoT policy ${names.policy}`;
    case 'update-policy':
      return `give the IoT policy ${names.policy} a new version`;
    case 'create-role':
      return `create the role ${names.role}`;
    case 'update-role-trust':
      return `update who may take the role ${names.role}`;
    case 'put-role-permissions':
      return `give the role ${names.role} its permissions`;
    case 'create-role-alias':
      return `create the role alias ${names.roleAlias}`;
    case 'update-role-alias':
      return `point the role alias ${names.roleAlias} at ${names.role}`;
    case 'create-certificate':
      return 'have the signing request signed: a certificate, not active yet';
    case 'attach-policy':
      return `attach ${names.policy} to the certificate`;
    case 'attach-certificate':
      return `attach the certificate to ${names.thing}`;
    case 'activate-certificate':
      return 'activate the certificate';
    case 'create-secret':
      return `create the secret ${names.secret}`;
    case 'restore-secret':
      return `restore the secret ${names.secret}, whose deletion is scheduled`;
    case 'update-secret':
      return `give the secret ${names.secret} its new value`;
    case 'create-bucket':
      return `create the bucket ${names.bucket}`;
    case 'mark-bucket':
      return `mark the bucket ${names.bucket} as made here`;
    case 'block-public-access':
      return `block public access to ${names.bucket}`;
    case 'put-bucket-policy':
      return `let ${names.bucket} be reached by TLS alone`;
    case 'upload':
      return `upload ${step.artifact.key}`;
    case 'create-component':
      return `create the component ${step.component.name} ${step.component.version}`;
    case 'await-component':
      return `wait until ${step.name} ${step.version} can be deployed`;
    case 'deploy':
      return `deploy to ${names.thingGroup}: tempLimit ${step.settings.tempLimit}, humidLimit ${step.settings.humidLimit}, snowUrl ${step.settings.snowUrl}`;
    case 'remove-deployment':
      return `remove the deployment ${step.id}`;
    case 'delete-core-device':
      return `delete the core device ${names.thing}`;
    case 'delete-component':
      return `delete the component ${step.name} ${step.version}`;
    case 'delete-objects':
      return `delete ${step.keys.length} ${step.keys.length === 1 ? 'object' : 'objects'} from ${names.bucket}`;
    case 'delete-bucket':
      return `delete the bucket ${names.bucket}`;
    case 'delete-secret':
      return step.force
        ? `delete the secret ${names.secret} at once`
        : `schedule the deletion of the secret ${names.secret}`;
    case 'delete-role-alias':
      return `delete the role alias ${names.roleAlias}`;
    case 'delete-role':
      return `delete the role ${names.role}`;
    case 'revoke-certificate':
      return `revoke and delete the certificate ${step.certificate.slice(step.certificate.lastIndexOf('/') + 1, step.certificate.lastIndexOf('/') + 13)}…`;
    case 'remove-from-group':
      return `take ${names.thing} out of ${names.thingGroup}`;
    case 'delete-thing':
      return `delete the thing ${names.thing}`;
    case 'delete-policy':
      return `delete the IoT policy ${names.policy}`;
    case 'delete-thing-group':
      return `delete the thing group ${names.thingGroup}`;
  }
}
