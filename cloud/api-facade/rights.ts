import type { RightsTable } from '../shared/rights.ts';

const management = `arn:\${AWS::Partition}:apigateway:\${AWS::Region}::`;

export const rights: RightsTable = {
  MediateRole: [{ action: 'secretsmanager:GetSecretValue', on: 'Instance.Id' }],
  ReadReadingsRole: [
    {
      action: 'dynamodb:Query',
      on: `arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/IoTBlog-readings`,
    },
  ],
  AuthoriseRole: [{ action: 'dynamodb:UpdateItem', on: 'Keys' }],
  ManageKeysRole: [
    { action: 'dynamodb:GetItem', on: 'Keys' },
    { action: 'dynamodb:Query', on: 'Keys' },
    { action: 'dynamodb:UpdateItem', on: 'Keys' },
    {
      action: 'ssm:GetParameter',
      on: `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/greengrass-itsm/api-facade/plans`,
    },
    { action: 'apigateway:POST', on: `${management}/apikeys` },
    { action: 'apigateway:POST', on: `${management}/usageplans/Management/Free/keys` },
    { action: 'apigateway:POST', on: `${management}/usageplans/Management/Partner/keys` },
    {
      action: 'apigateway:PUT',
      on: `${management}/tags/arn%3A\${AWS::Partition}%3Aapigateway%3A\${AWS::Region}%3A%3A%2Fapikeys%2F*`,
    },
    { action: 'apigateway:DELETE', on: `${management}/apikeys/*` },
  ],
};
