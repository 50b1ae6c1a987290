import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { type Report, reportInput, reportOf } from './report.ts';

const { TOPIC_ARN } = readEnvironment(z.object({ TOPIC_ARN: z.string() }));
const sns = new SNSClient();

/** Tells the topic what came of a pull, well or not. */
export async function handler(event: unknown): Promise<Pick<Report, 'outcome'>> {
  const { outcome, subject, message } = reportOf(reportInput.parse(event));
  await sns.send(new PublishCommand({ TopicArn: TOPIC_ARN, Subject: subject, Message: message }));
  return { outcome };
}
