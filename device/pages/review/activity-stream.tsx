import { Instant } from '../shared/instant.tsx';
import { LinkedText } from '../shared/linked-text.tsx';
import { type Activity, activitiesOf, type Change } from './activity.ts';
import { attachmentPath, sizeText } from './attachment-list.tsx';
import { fieldLabels } from './dictionary.ts';
import type { IncidentRecord } from './incident-record.tsx';
import { usePage } from './page-context.tsx';

const titles: Readonly<Record<Activity['kind'], string>> = {
  'work-note': 'Work note',
  comment: 'Additional comment',
  changes: 'Field changes',
  attachment: 'Attachment',
  opened: 'Opened',
};

/** Kept by the instance beside what a person changes; the time and author of the entry say the same. */
const untold: readonly string[] = ['resolved_at', 'resolved_by', 'closed_at', 'closed_by', 'active'];

export function ActivityStream({ record }: { record: IncidentRecord }) {
  const { dictionary } = usePage();
  const activities = activitiesOf(record, {
    field: (name) => (untold.includes(name) ? undefined : fieldLabels[name]),
    value: dictionary.valueLabel,
    person: dictionary.personName,
  });
  return (
    <section aria-labelledby="activity-title" class="stack">
      <h2 id="activity-title">Activities ({activities.length})</h2>
      <ol class="timeline">
        {activities.map((activity) => (
          <li key={`${activity.kind}/${activity.key}`} class={activity.kind}>
            <header>
              <span>
                <strong>{activity.author}</strong> {titles[activity.kind]}
              </span>
              <Instant atMs={activity.atMs} />
            </header>
            <Content activity={activity} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Content({ activity }: { activity: Activity }) {
  switch (activity.kind) {
    case 'work-note':
    case 'comment':
      return (
        <div class="prose">
          <LinkedText text={activity.text} />
        </div>
      );
    case 'changes':
      return <Changes changes={activity.changes} />;
    case 'attachment': {
      const path = attachmentPath(activity.sysId);
      return (
        <>
          <a href={path} download={activity.fileName}>
            {activity.fileName}
          </a>{' '}
          <span class="quiet">{sizeText(activity.sizeBytes)}</span>
          {activity.isImage ? <img src={path} alt={activity.fileName} /> : null}
        </>
      );
    }
    case 'opened':
      return null;
  }
}

function Changes({ changes }: { changes: readonly Change[] }) {
  const shown = (value: string) => (value === '' ? <span class="quiet">(empty)</span> : value);
  return (
    <dl class="facts">
      {changes.map(({ label, from, to }) => (
        <div class="fact" key={label}>
          <dt>{label}</dt>
          <dd>
            <strong>{shown(to)}</strong> <span class="quiet">was</span> {shown(from)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
