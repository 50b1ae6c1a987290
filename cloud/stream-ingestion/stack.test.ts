import { describeRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

describeRoom('stream-ingestion', { rights, wildcards });
