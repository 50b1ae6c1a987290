import type { BreachView, RuleView } from '../../console/contract.ts';
import { Instant } from '../shared/instant.tsx';
import { IncidentLink } from './incident-link.tsx';
import { ruleTones } from './labels.ts';

export interface RuleListProps {
  rules: readonly RuleView[];
  breaches: readonly BreachView[];
  onSilence: (rule: string) => void;
}

/** Each rule with its state, why, and the incident that tells of it. */
export function RuleList({ rules, breaches, onSilence }: RuleListProps) {
  if (rules.length === 0) return <p class="quiet">No rule is known to watch this.</p>;
  return (
    <ul class="rules">
      {rules.map((rule) => {
        const breach = breaches.find(({ id }) => id === rule.breachId);
        return (
          <li key={rule.rule}>
            <span class={`badge ${ruleTones[rule.state]}`}>{rule.state}</span>
            <span class="rule-words">
              <strong>{rule.rule}</strong> {rule.reason}
              {rule.sinceMs === null ? null : (
                <>
                  {' '}
                  since <Instant atMs={rule.sinceMs} short />
                </>
              )}{' '}
              {breach?.isSilenced === true ? <span class="badge">silenced</span> : null}{' '}
              {breach === undefined ? null : <IncidentLink breach={breach} />}
            </span>
            <button type="button" class="button small" onClick={() => onSilence(rule.rule)}>
              Silence<span class="only-spoken"> {rule.rule}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
