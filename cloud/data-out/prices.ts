/** List prices in US dollars, us-east-1, without free tiers and discounts, as of the day below. */
export const prices = {
  dated: '2026-11-24',
  pages: [
    'https://aws.amazon.com/lambda/pricing/',
    'https://aws.amazon.com/s3/pricing/',
    'https://aws.amazon.com/sqs/pricing/',
    'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  ],
  lambdaGbSecondUsd: { x86_64: 0.000_016_666_7, arm64: 0.000_013_333_4 },
  lambdaRequestUsd: 0.2 / 1_000_000,
  s3PutUsd: 5 / 1_000_000,
  s3GetUsd: 0.4 / 1_000_000,
  sqsRequestUsd: 0.4 / 1_000_000,
  dynamoWriteUnitUsd: 0.625 / 1_000_000,
  dynamoReadUnitUsd: 0.125 / 1_000_000,
} as const;
