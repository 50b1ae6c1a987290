import type { Context } from './context.ts';
import * as greengrass from './perform-greengrass.ts';
import * as iot from './perform-iot.ts';
import * as rest from './perform-rest.ts';
import type { Step } from './step.ts';

/**
 * Carries out one step.
 * @throws AppError of `awsError`, or of the step
 */
export async function perform(step: Step, context: Context): Promise<void> {
  switch (step.kind) {
    case 'create-thing-group':
      return iot.createThingGroup(context);
    case 'create-thing':
      return iot.createThing(context, step.keyIds);
    case 'note-keys':
      return iot.noteKeys(context, step.keyIds);
    case 'add-to-group':
      return iot.addToGroup(context);
    case 'create-policy':
      return iot.createPolicy(context);
    case 'update-policy':
      return iot.updatePolicy(context, step);
    case 'create-role':
      return rest.createRole(context);
    case 'update-role-trust':
      return rest.updateRoleTrust(context);
    case 'put-role-permissions':
      return rest.putRolePermissions(context);
    case 'create-role-alias':
      return iot.createRoleAlias(context);
    case 'update-role-alias':
      return iot.updateRoleAlias(context);
    case 'create-certificate':
      return iot.createCertificate(context, step);
    case 'attach-policy':
      return iot.attachPolicy(context);
    case 'attach-certificate':
      return iot.attachCertificate(context);
    case 'activate-certificate':
      return iot.activateCertificate(context);
    case 'create-secret':
      return rest.createSecret(context);
    case 'restore-secret':
      return rest.restoreSecret(context);
    case 'update-secret':
      return rest.updateSecret(context);
    case 'create-bucket':
      return rest.createBucket(context);
    case 'mark-bucket':
      return rest.markBucket(context);
    case 'block-public-access':
      return rest.blockPublicAccess(context);
    case 'put-bucket-policy':
      return rest.putBucketPolicy(context);
    case 'upload':
      return rest.upload(context, step.artifact);
    case 'create-component':
      return greengrass.createComponent(context, step.component);
    case 'await-component':
      return greengrass.awaitComponent(context, step.arn);
    case 'deploy':
      return greengrass.deploy(context, step);
    case 'remove-deployment':
      return greengrass.removeDeployment(context, step.id, step.active);
    case 'delete-core-device':
      return greengrass.deleteCoreDevice(context);
    case 'delete-component':
      return greengrass.deleteComponent(context, step.arn);
    case 'delete-objects':
      return rest.deleteObjects(context, step.keys);
    case 'delete-bucket':
      return rest.deleteBucket(context);
    case 'delete-secret':
      return rest.deleteSecret(context, step.force, step.scheduled);
    case 'delete-role-alias':
      return iot.deleteRoleAlias(context);
    case 'delete-role':
      return rest.deleteRole(context, step.permissions);
    case 'revoke-certificate':
      return iot.revokeCertificate(context, step);
    case 'remove-from-group':
      return iot.removeFromGroup(context);
    case 'delete-thing':
      return iot.deleteThing(context);
    case 'delete-policy':
      return iot.deletePolicy(context, step);
    case 'delete-thing-group':
      return iot.deleteThingGroup(context);
  }
}
