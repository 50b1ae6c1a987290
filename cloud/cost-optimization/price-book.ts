/**
 * List prices in US dollars. Those of the post are what its tables were computed with; the others are what `capacity`
 * computes with. Without free tiers, discounts and taxes.
 */
export const priceBook = {
  /** When the pages of prices were read. */
  dated: '2026-11-24',
  region: 'us-east-1',
  iotMessageUsd: 1 / 1_000_000,
  /** IoT Core counts 5 KB as a message, and a rule that is triggered, and each of its actions. */
  iotMessageBytes: 5 * 1_024,
  iotConnectionMinuteUsd: 0.08 / 1_000_000,
  iotRuleUsd: 0.15 / 1_000_000,
  iotActionUsd: 0.15 / 1_000_000,
  kinesisShardHourUsd: 0.015,
  kinesisPutUnitUsd: 0.014 / 1_000_000,
  kinesisPutUnitBytes: 25 * 1_024,
  lambdaRequestUsd: 0.2 / 1_000_000,
  /** ARM64; the post's tables are of x86. */
  lambdaGbSecondUsd: 0.000_013_333_4,
  dynamoWriteUnitUsd: 0.625 / 1_000_000,
  dynamoWriteUnitBytes: 1_024,
  sqsRequestUsd: 0.4 / 1_000_000,
  sqsFifoRequestUsd: 0.5 / 1_000_000,
  snsFifoPublishUsd: 0.3 / 1_000_000,
  /** API Gateway: REST and HTTP, the first 333 and 300 millions. */
  restRequestUsd: 3.5 / 1_000_000,
  httpRequestUsd: 1 / 1_000_000,
  /** Step Functions. */
  standardTransitionUsd: 25 / 1_000_000,
  expressRequestUsd: 1 / 1_000_000,
  expressGbHourUsd: 0.06,
} as const;

/** The post's own prices, of 2021. */
export const postPrices = {
  dated: '2021',
  lambdaRequestUsd: 0.2 / 1_000_000,
  lambdaGbSecondUsd: 0.000_016_67,
  /** SQS FIFO, SNS and SQS standard lie between; its packing example has 0.50 $ a million. */
  messageRequestUsd: 0.5 / 1_000_000,
} as const;
