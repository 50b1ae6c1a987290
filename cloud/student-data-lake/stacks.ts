import type { App, Stack } from 'aws-cdk-lib';
import type { Stage } from '../stages.ts';
import { StudentDataLakeStack } from './stack.ts';
import { StudentWarehouseStack } from './warehouse-stack.ts';

/** The lake, and the warehouse as a template: nothing of it is made unless its parameter says so. */
export function createStacks(app: App, stage: Stage): Stack[] {
  return [new StudentDataLakeStack(app, { stage }), new StudentWarehouseStack(app, { stage })];
}
