/** Groups of the broker's users. */
export const groups = { consumers: 'consumers', producers: 'producers', operators: 'operators' } as const;

/**
 * Who may do what on the broker: the plant sends to the queue and reads nothing, Lambda reads
 * it and sends nothing, and all else is for operators. The queue is declared, so that no sender has to be able to make it,
 * as who may make a queue may remove it. An element of `<plugins>`, of Amazon MQ and of any ActiveMQ.
 */
export function authorization(queue: string): string {
  const { consumers, producers, operators } = groups;
  const all = Object.values(groups).join();
  return `<authorizationPlugin>
  <map>
    <authorizationMap>
      <authorizationEntries>
        <authorizationEntry queue="&gt;" read="${operators}" write="${operators}" admin="${operators}"/>
        <authorizationEntry topic="&gt;" read="${operators}" write="${operators}" admin="${operators}"/>
        <authorizationEntry queue="${queue}" read="${consumers}" write="${producers}" admin="${consumers}"/>
        <authorizationEntry topic="ActiveMQ.Advisory.&gt;" read="${all}" write="${all}" admin="${all}"/>
      </authorizationEntries>
    </authorizationMap>
  </map>
</authorizationPlugin>`;
}

/** By default a message that is not persistent, as STOMP sends it where not told otherwise, is thrown away in place of becoming a dead letter. */
export const destinationPolicy = `<destinationPolicy>
  <policyMap>
    <policyEntries>
      <policyEntry queue="&gt;">
        <deadLetterStrategy><sharedDeadLetterStrategy processNonPersistent="true"/></deadLetterStrategy>
      </policyEntry>
    </policyEntries>
  </policyMap>
</destinationPolicy>`;
