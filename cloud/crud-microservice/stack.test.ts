import { describeRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'crud-microservice';
describeRoom(room, { rights, wildcards });
