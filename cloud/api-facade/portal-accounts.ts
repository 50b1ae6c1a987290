import { Duration } from 'aws-cdk-lib';
import { AccountRecovery, CfnUserPoolGroup, Mfa, UserPool, type UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import type { Stage } from '../stages.ts';

export interface PortalAccountsProps {
  stage: Stage;
  /** Asked before somebody is taken in who signs up. Without it nobody can sign up: operators make the accounts. */
  admit: IFunction | undefined;
}

/** The people of the portal: they sign up where that is open to them, and sign in for an hour. */
export class PortalAccounts extends Construct {
  readonly pool: UserPool;
  readonly client: UserPoolClient;

  constructor(scope: Construct, id: string, { stage, admit }: PortalAccountsProps) {
    super(scope, id);
    this.pool = new UserPool(this, 'Pool', {
      selfSignUpEnabled: admit !== undefined,
      ...(admit === undefined ? {} : { lambdaTriggers: { preSignUp: admit } }),
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
      'An account is made by operators or for a proven address of an allowed domain; its keys read incidents and readings, and only those of the group partner write.',
    );
    for (const rule of ['AwsSolutions-COG3', 'AwsSolutions-COG8']) {
      acknowledge(
        this.pool,
        rule,
        'Threat protection is a paid plan of the pool; the web ACL before it limits sign-ups and sign-ins of an address.',
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
