import { billedBytes } from './contract.ts';

/** What a service charges for messages: each 64 KB, or part of it, is a request. US dollars. */
export function messagesUsd(messages: number, bytesEach: number, requestUsd: number): number {
  return messages * billedRequests(bytesEach) * requestUsd;
}

/** Requests that a message of so many bytes is billed as. */
export function billedRequests(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / billedBytes));
}

export interface PackingSavings {
  /** Messages with packing. */
  messages: number;
  unpackedUsd: number;
  packedUsd: number;
}

/** What packing saves, of items that all have the same size and fill messages to the byte. */
export function packingSavings(items: number, itemBytes: number, requestUsd: number): PackingSavings {
  const perMessage = Math.max(1, Math.floor(billedBytes / itemBytes));
  const messages = Math.ceil(items / perMessage);
  return {
    messages,
    unpackedUsd: messagesUsd(items, itemBytes, requestUsd),
    packedUsd: messagesUsd(messages, itemBytes * perMessage, requestUsd),
  };
}

export interface FunctionUse {
  invocations: number;
  memoryMb: number;
  /** Of one invocation, ms; billed by the millisecond, upwards. */
  durationMs: number;
}

export function gbSeconds({ invocations, memoryMb, durationMs }: FunctionUse): number {
  return (invocations * Math.ceil(durationMs) * memoryMb) / 1_024 / 1_000;
}

/** Compute alone, and with the requests. US dollars. */
export function functionUsd(
  use: FunctionUse,
  prices: { lambdaGbSecondUsd: number; lambdaRequestUsd: number },
): { compute: number; total: number } {
  const compute = gbSeconds(use) * prices.lambdaGbSecondUsd;
  return { compute, total: compute + use.invocations * prices.lambdaRequestUsd };
}

/** Share of compute that a filter saves where so many of the messages are of use to their consumer, 0 to 1. */
export function filterSavings(relevantShare: number): number {
  return 1 - relevantShare;
}

/** Share of the price of requests that an HTTP API saves over a REST API, 0 to 1. */
export function httpApiSavings(prices: { restRequestUsd: number; httpRequestUsd: number }): number {
  return 1 - prices.httpRequestUsd / prices.restRequestUsd;
}

export interface WorkflowPrices {
  standardTransitionUsd: number;
  expressRequestUsd: number;
  expressGbHourUsd: number;
}

/** One run of an Express workflow: by its time, in steps of 100 ms, and its memory, in steps of 64 MB. US dollars. */
export function expressUsd(durationMs: number, memoryMb: number, prices: WorkflowPrices): number {
  const seconds = (Math.max(1, Math.ceil(durationMs / 100)) * 100) / 1_000;
  const gb = (Math.max(1, Math.ceil(memoryMb / 64)) * 64) / 1_024;
  return prices.expressRequestUsd + (seconds * gb * prices.expressGbHourUsd) / 3_600;
}

/** Run time, ms, from which a Standard workflow of so many transitions is the cheaper one. */
export function expressBreakEvenMs(transitions: number, memoryMb: number, prices: WorkflowPrices): number {
  const gb = (Math.max(1, Math.ceil(memoryMb / 64)) * 64) / 1_024;
  const left = transitions * prices.standardTransitionUsd - prices.expressRequestUsd;
  return Math.max(0, (left * 3_600 * 1_000) / (gb * prices.expressGbHourUsd));
}
