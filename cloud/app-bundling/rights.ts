import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';
import { wildcards } from './wildcards.ts';

const pages = 'Site/Pages/Objects';
// biome-ignore lint/suspicious/noTemplateCurlyInString: as in the template
const distribution = 'arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/Site/Distribution';
const assets = wildcards.find(({ resource }) => resource.includes('assets'))?.resource ?? '';

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
    { action: 's3:GetObject', on: assets, only: 'aws' },
    { action: 's3:ListBucket', on: pages, only: 'aws' },
    { action: 's3:DeleteObject', on: `${pages}/*`, only: 'aws' },
    { action: 's3:PutObject', on: `${pages}/*`, only: 'aws' },
    { action: 'cloudfront:CreateInvalidation', on: distribution, only: 'aws' },
    { action: 'cloudfront:GetInvalidation', on: distribution, only: 'aws' },
  ],
};
