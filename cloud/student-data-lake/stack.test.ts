import { describeRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'student-data-lake';
describeRoom(room, { rights, wildcards });
