import { CfnFunction, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';

/** The resource of a function, for what its construct does not take. */
export function settingsOf(fn: LambdaFunction): CfnFunction {
  const { defaultChild } = fn.node;
  if (defaultChild instanceof CfnFunction) return defaultChild;
  throw new Error(`${fn.node.path} is not made by this stack.`);
}
