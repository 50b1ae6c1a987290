import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';

const pages = 'Site/Pages/Objects';
// biome-ignore lint/suspicious/noTemplateCurlyInString: as in the template
const distribution = 'arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/Site/Distribution';
// biome-ignore lint/suspicious/noTemplateCurlyInString: as in the template
const asset = 'arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/<digest>.zip';

export const rights: RightsTable = {
  'Rebuild/StartRebuildRole': [
    ...consumesFrom('Rebuild/Commits'),
    ...parksAt('Rebuild/Parking'),
    { action: 'codebuild:StartBuild', on: 'Rebuild/Build' },
  ],
  'Rebuild/BuildRole': [
    { action: 'logs:CreateLogStream', on: 'Rebuild/BuildLogs' },
    { action: 'logs:PutLogEvents', on: 'Rebuild/BuildLogs' },
    { action: 's3:ListBucket', on: pages },
    { action: 's3:DeleteObject', on: `${pages}/*` },
    { action: 's3:PutObject', on: `${pages}/*` },
    { action: 'cloudfront:CreateInvalidation', on: distribution },
  ],
  'Site/PublishRole': [
    { action: 's3:GetObject', on: asset, only: 'aws' },
    { action: 's3:ListBucket', on: pages, only: 'aws' },
    { action: 's3:DeleteObject', on: `${pages}/*`, only: 'aws' },
    { action: 's3:PutObject', on: `${pages}/*`, only: 'aws' },
    { action: 'cloudfront:CreateInvalidation', on: distribution, only: 'aws' },
    { action: 'cloudfront:GetInvalidation', on: distribution, only: 'aws' },
  ],
};
