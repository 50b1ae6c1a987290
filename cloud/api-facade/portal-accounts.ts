import { Duration } from 'aws-cdk-lib';
import { AccountRecovery, CfnUserPoolGroup, Mfa, UserPool, type UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import type { Stage } from '../stages.ts';

/** The people of the portal: they sign up with a mail address, and sign in for an hour. */
export class PortalAccounts extends Construct {
  readonly pool: UserPool;
  readonly client: UserPoolClient;

  constructor(scope: Construct, id: string, { stage }: { stage: Stage }) {
    super(scope, id);
    this.pool = new UserPool(this, 'Pool', {
      selfSignUpEnabled: true,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      autoVerify: { email: true },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa: Mfa.OFF,
      passwordPolicy: {
        minLength: 14,
        requireUppercase: true,
        requireLowercase: true,
        requireDigits: true,
        requireSymbols: true,
      },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    acknowledge(
      this.pool,
      'AwsSolutions-COG2',
      'What an account can do is to issue keys of the free plan and to revoke its own.',
    );
    for (const rule of ['AwsSolutions-COG3', 'AwsSolutions-COG8']) {
      acknowledge(
        this.pool,
        rule,
        'Threat protection is a paid plan of the pool; the web ACL limits the portal, and a key is limited by its plan.',
      );
    }
    this.client = this.pool.addClient('Page', {
      authFlows: { userPassword: true },
      generateSecret: false,
      preventUserExistenceErrors: true,
      disableOAuth: true,
      idTokenValidity: Duration.hours(1),
      accessTokenValidity: Duration.hours(1),
    });
    new CfnUserPoolGroup(this, 'Partner', { userPoolId: this.pool.userPoolId, groupName: 'partner' });
  }
}
