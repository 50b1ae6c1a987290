import { fieldOf, type Row } from './instance-api.ts';
import { usePage } from './page-context.tsx';
import { pathOf, type Route } from './route.ts';

/** An incident's number, leading to its form; with a modifier the browser opens it as it opens any link. */
export function IncidentLink({ incident }: { incident: Row }) {
  const { go } = usePage();
  const sysId = fieldOf(incident, 'sys_id').value;
  const route: Route = { page: 'incident', name: sysId };
  return (
    <a
      href={pathOf(route)}
      data-sys-id={sysId}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(route);
      }}
    >
      {fieldOf(incident, 'number').value}
    </a>
  );
}
