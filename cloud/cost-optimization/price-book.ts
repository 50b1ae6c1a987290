/**
 * List prices in US dollars. Those of the post are what its tables were computed with; the others are what `capacity`
 * computes with. Without free tiers, discounts and taxes.
 */
export const priceBook = {
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
  dynamoReadUnitUsd: 0.125 / 1_000_000,
  /** Firehose, direct PUT, the first 500 TB; it counts each record up to the next 5 KB. */
  firehoseGbUsd: 0.029,
  firehoseRecordBytes: 5 * 1_024,
  /** S3 Standard. */
  s3PutUsd: 5 / 1_000_000,
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

/** As of when a price is, and the page that has it: look there before you rely on it. */
export interface PricePage {
  page: string;
  url: string;
  dated: string;
}

const iot = page('AWS IoT Core pricing', 'https://aws.amazon.com/iot-core/pricing/');
const kinesis = page('Amazon Kinesis Data Streams pricing', 'https://aws.amazon.com/kinesis/data-streams/pricing/');
const firehose = page('Amazon Data Firehose pricing', 'https://aws.amazon.com/firehose/pricing/');
const lambda = page('AWS Lambda pricing', 'https://aws.amazon.com/lambda/pricing/');
const dynamo = page('Amazon DynamoDB on-demand pricing', 'https://aws.amazon.com/dynamodb/pricing/on-demand/');
const s3 = page('Amazon S3 pricing', 'https://aws.amazon.com/s3/pricing/');
const sqs = page('Amazon SQS pricing', 'https://aws.amazon.com/sqs/pricing/');
const sns = page('Amazon SNS pricing', 'https://aws.amazon.com/sns/pricing/');
const apiGateway = page('Amazon API Gateway pricing', 'https://aws.amazon.com/api-gateway/pricing/');
const stepFunctions = page('AWS Step Functions pricing', 'https://aws.amazon.com/step-functions/pricing/');

type Price = Extract<keyof typeof priceBook, `${string}Usd`>;

export const pricePages: Readonly<Record<Price, PricePage>> = {
  ...{ iotMessageUsd: iot, iotConnectionMinuteUsd: iot, iotRuleUsd: iot, iotActionUsd: iot },
  ...{ kinesisShardHourUsd: kinesis, kinesisPutUnitUsd: kinesis, firehoseGbUsd: firehose },
  ...{ lambdaRequestUsd: lambda, lambdaGbSecondUsd: lambda },
  ...{ dynamoWriteUnitUsd: dynamo, dynamoReadUnitUsd: dynamo, s3PutUsd: s3 },
  ...{ sqsRequestUsd: sqs, sqsFifoRequestUsd: sqs, snsFifoPublishUsd: sns },
  ...{ restRequestUsd: apiGateway, httpRequestUsd: apiGateway },
  ...{ standardTransitionUsd: stepFunctions, expressRequestUsd: stepFunctions, expressGbHourUsd: stepFunctions },
};

function page(name: string, url: string): PricePage {
  return { page: name, url, dated: '2026-11-24' };
}

/** The post's own prices, of 2021. */
export const postPrices = {
  dated: '2021',
  lambdaRequestUsd: 0.2 / 1_000_000,
  lambdaGbSecondUsd: 0.000_016_67,
  /** SQS FIFO, SNS and SQS standard lie between; its packing example has 0.50 $ a million. */
  messageRequestUsd: 0.5 / 1_000_000,
} as const;
