/** Where the policy's resources are, as far as an endpoint tells. */
export interface IotArea {
  partition: string;
  region: string;
}

const endpointOfRegion = /\.iot\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/;

/** From `<account's prefix>-ats.iot.<region>.amazonaws.com`; a domain of one's own does not tell. */
export function areaOf(endpoint: string): IotArea {
  const [, region = '<region>', china] = endpointOfRegion.exec(endpoint) ?? [];
  if (china !== undefined) return { partition: 'aws-cn', region };
  return { partition: region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws', region };
}

/** What to add to the policy of the certificate, as a clause for people. */
export function missingStatement(area: IotArea, action: IotAction, name: string): string {
  return `allow ${grants[action](area, name)} in the policy of this thing's certificate`;
}

export type IotAction = 'connect' | 'publish' | 'subscribe';

const grants: Readonly<Record<IotAction, (area: IotArea, name: string) => string>> = {
  connect: (area, clientId) => `iot:Connect on ${arn(area, 'client', clientId)}`,
  publish: (area, topic) => `iot:Publish on ${arn(area, 'topic', topic)}`,
  // In a policy `+` and `#` stand for themselves, so what is received needs the policy's own wildcard.
  subscribe: (area, topicFilter) =>
    `iot:Subscribe on ${arn(area, 'topicfilter', topicFilter)} and ` +
    `iot:Receive on ${arn(area, 'topic', topicFilter.replaceAll(/[+#]/g, '*'))}`,
};

function arn({ partition, region }: IotArea, kind: string, name: string): string {
  return `arn:${partition}:iot:${region}:<account>:${kind}/${name}`;
}
