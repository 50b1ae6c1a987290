import { z } from 'zod';
import { namePart } from '../../device/reading/reading.ts';
import {
  idempotencyKey,
  incident,
  incidentChange,
  incidentNumber,
  incidentPage,
  incidentQuery,
  issuedKey,
  keyId,
  keyList,
  keyUsage,
  newIncident,
  newKey,
  type ProblemKind,
  readingPage,
  readingQuery,
} from './contract.ts';

/** A route of the API: the stack makes it, and the OpenAPI document tells of it. */
export interface Operation {
  id: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** As API Gateway and OpenAPI write it. */
  path: string;
  summary: string;
  /** The function that serves it, with that function's rights. */
  server: 'Mediate' | 'ReadReadings' | 'ManageKeys' | 'ShowPortal';
  /** `key`: a key of a plan in x-api-key. `account`: an id token of the portal's user pool. `nobody`: open to all. */
  caller: 'key' | 'account' | 'nobody';
  pathParameters?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  answer: { status: number; media: string; body?: z.ZodType; description: string };
  /** What may go wrong, besides what may go wrong for every caller of its kind. */
  problems: readonly ProblemKind[];
}

const upstream: readonly ProblemKind[] = [
  'upstream_auth',
  'upstream_invalid',
  'upstream_unreachable',
  'upstream_busy',
  'upstream_timeout',
];
const json = 'application/json';
const ofIncident = z.object({ number: incidentNumber });
const ofKey = z.object({ id: keyId });

export const operations: readonly Operation[] = [
  {
    ...{ id: 'listIncidents', method: 'GET', path: '/v1/incidents', server: 'Mediate', caller: 'key' },
    summary: 'Incidents, newest first',
    query: incidentQuery,
    answer: { status: 200, media: json, body: incidentPage, description: 'A page of incidents' },
    problems: ['invalid_request', ...upstream],
  },
  {
    ...{ id: 'createIncident', method: 'POST', path: '/v1/incidents', server: 'Mediate', caller: 'key' },
    summary: 'Open an incident about a device (plan partner)',
    headers: z.object({ 'idempotency-key': idempotencyKey.optional() }),
    body: newIncident,
    answer: {
      ...{ status: 201, media: json, body: incident },
      description: 'The incident; with status 200 if the same request has opened it before',
    },
    problems: ['invalid_request', 'idempotency_key_reused', 'too_large', 'refused_by_instance', ...upstream],
  },
  {
    ...{ id: 'getIncident', method: 'GET', path: '/v1/incidents/{number}', server: 'Mediate', caller: 'key' },
    summary: 'One incident',
    pathParameters: ofIncident,
    answer: { status: 200, media: json, body: incident, description: 'The incident' },
    problems: ['invalid_request', 'not_found', ...upstream],
  },
  {
    ...{ id: 'changeIncident', method: 'PATCH', path: '/v1/incidents/{number}', server: 'Mediate', caller: 'key' },
    summary: 'Add a work note to an incident, or change its state (plan partner)',
    pathParameters: ofIncident,
    body: incidentChange,
    answer: { status: 200, media: json, body: incident, description: 'The incident as it is now' },
    problems: ['invalid_request', 'too_large', 'not_found', 'refused_by_instance', ...upstream],
  },
  {
    ...{ id: 'listReadings', method: 'GET', path: '/v1/devices/{id}/readings', server: 'ReadReadings', caller: 'key' },
    summary: 'What a device measured between two instants, oldest first',
    pathParameters: z.object({ id: namePart }),
    query: readingQuery,
    answer: { status: 200, media: json, body: readingPage, description: 'A page of readings' },
    problems: ['invalid_request'],
  },
  {
    ...{ id: 'listKeys', method: 'GET', path: '/portal/apikeys', server: 'ManageKeys', caller: 'account' },
    summary: 'The keys of the account, without their text',
    answer: { status: 200, media: json, body: keyList, description: 'The keys' },
    problems: [],
  },
  {
    ...{ id: 'issueKey', method: 'POST', path: '/portal/apikeys', server: 'ManageKeys', caller: 'account' },
    summary: 'Issue a key for a plan; its text is shown this once',
    body: newKey,
    answer: { status: 201, media: json, body: issuedKey, description: 'The key' },
    problems: ['invalid_request', 'too_large', 'forbidden', 'too_many_keys'],
  },
  {
    ...{ id: 'revokeKey', method: 'DELETE', path: '/portal/apikeys/{id}', server: 'ManageKeys', caller: 'account' },
    summary: 'Revoke a key; no request with it is served any more',
    pathParameters: ofKey,
    answer: { status: 204, media: json, description: 'It is revoked' },
    problems: ['invalid_request', 'not_found'],
  },
  {
    ...{ id: 'keyUsage', method: 'GET', path: '/portal/apikeys/{id}/usage', server: 'ManageKeys', caller: 'account' },
    summary: 'What a key was used for this month',
    pathParameters: ofKey,
    answer: { status: 200, media: json, body: keyUsage, description: 'The usage' },
    problems: ['invalid_request', 'not_found'],
  },
  {
    ...{ id: 'openApi', method: 'GET', path: '/openapi.json', server: 'ShowPortal', caller: 'nobody' },
    summary: 'This document',
    answer: { status: 200, media: json, description: 'OpenAPI 3.1' },
    problems: [],
  },
  {
    ...{ id: 'portal', method: 'GET', path: '/portal', server: 'ShowPortal', caller: 'nobody' },
    summary: 'The page of the portal',
    answer: { status: 200, media: 'text/html', description: 'The page' },
    problems: [],
  },
  {
    ...{ id: 'portalFile', method: 'GET', path: '/portal/files/{name}', server: 'ShowPortal', caller: 'nobody' },
    summary: 'A file of the page',
    pathParameters: z.object({ name: z.enum(['page.js', 'page.css', 'settings.json']) }),
    answer: { status: 200, media: '*/*', description: 'The file' },
    problems: ['not_found'],
  },
];
