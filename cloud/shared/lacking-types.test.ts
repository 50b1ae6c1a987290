import { App, Aspects, CfnResource, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test, vi } from 'vitest';
import { LackingTypes, lackingTypes } from './lacking-types.ts';

// The CDK takes seconds to load and to build its first stack.
vi.setConfig({ testTimeout: 60_000 });

test('what the account lacks is there, under a condition that is never true; everything else has none', () => {
  const stack = new Stack(new App(), 'Room');
  new CfnResource(stack, 'Set', { type: 'AWS::WAFv2::IPSet' });
  new CfnResource(stack, 'Acl', { type: 'AWS::WAFv2::WebACL' });
  new CfnResource(stack, 'Data', { type: 'AWS::QuickSight::DataSet' });
  Aspects.of(stack).add(new LackingTypes());
  const template = Template.fromStack(stack);
  expect(template.toJSON()['Conditions']).toEqual({ ExistsInThisAccount: { 'Fn::Equals': ['local', 'aws'] } });
  template.hasResource('AWS::WAFv2::IPSet', { Condition: 'ExistsInThisAccount' });
  template.hasResource('AWS::QuickSight::DataSet', { Condition: 'ExistsInThisAccount' });
  expect(Object.keys(template.findResources('AWS::WAFv2::WebACL', { Condition: 'ExistsInThisAccount' }))).toEqual([]);
});

test('the list is in order and says each type once', () => {
  expect(lackingTypes).toEqual([...new Set(lackingTypes)].toSorted());
});
