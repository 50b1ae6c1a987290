import { logsAndTraces, type Right, type RightsTable } from '../shared/rights.ts';

const may = (action: string, ...resources: readonly string[]): Right[] => resources.map((on) => ({ action, on }));
const account = (service: string) => `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}`;
const token = `${account('ssm')}:parameter/GitHubAPIKey`;

export const rights: RightsTable = {
  GetRepoContentsRole: [...may('ssm:GetParameter', token), ...may('s3:PutObject', 'Known/Objects/known/*')],
  CompareAgainstRepoRole: may('s3:GetObject', 'Known/Objects/known/*'),
  WriteToGitHubRole: [
    ...may('ssm:GetParameter', token),
    ...may('s3:GetObject', 'Known/Objects/told/last.json'),
    ...may('s3:PutObject', 'Known/Objects/told/last.json'),
    ...may('s3:ListBucket', 'Known/Objects'),
  ],
  StarterRole: [...may('states:StartExecution', 'Aggregate/Machine'), ...may('sqs:SendMessage', 'NotStarted')],
  'Aggregate/Role': [
    ...may(
      'lambda:InvokeFunction',
      ...['AddToList', 'CompareAgainstRepo', 'GetBlogPost', 'GetRepoContents', 'GetUrls', 'WriteToGitHub'],
    ),
    ...may('events:PutEvents', `${account('events')}:event-bus/default`),
    ...logsAndTraces,
  ],
};
