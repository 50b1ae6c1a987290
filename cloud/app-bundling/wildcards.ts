import { accessLog, type Wildcard } from '../shared/wildcards.ts';

/** Of all stages. */
const shared: readonly Wildcard[] = [
  accessLog('Site/Pages'),
  {
    path: 'Site/Pages/Objects/Policy',
    statement: 's3:GetObject',
    resource: 'Site/Pages/Objects/*',
    reason: 'CloudFront reads each page of the site.',
  },
  {
    path: 'Rebuild/BuildRole',
    statement: 's3:DeleteObject, s3:PutObject',
    resource: 'Site/Pages/Objects/*',
    reason: 'A build writes and removes each page of the site.',
  },
];

/** What publishes the site at deployment, which the local account cannot run. */
const publishing: readonly Wildcard[] = [
  {
    path: 'Site/PublishRole',
    statement: 's3:DeleteObject, s3:PutObject',
    resource: 'Site/Pages/Objects/*',
    reason: 'A deployment writes and removes each page of the site.',
  },
];

export const wildcards: readonly Wildcard[] = [...shared, ...publishing];

export function wildcardsIn(stage: 'local' | 'dev' | 'prod'): readonly Wildcard[] {
  return stage === 'local' ? shared : wildcards;
}
