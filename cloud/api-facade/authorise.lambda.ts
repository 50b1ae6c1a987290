import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { type AuthoriserAnswer, authorise } from './authorise.ts';
import { createKeyTable } from './key-table.aws.ts';

const { KEY_TABLE } = readEnvironment(z.object({ KEY_TABLE: z.string() }));
const keys = createKeyTable(new DynamoDBClient(), KEY_TABLE);

/** Asked by API Gateway for each request with a key. */
export function handler(event: unknown): Promise<AuthoriserAnswer> {
  return authorise(event, keys, new Date());
}
