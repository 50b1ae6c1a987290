import * as z from 'zod/mini';

const faultsSchema = z.array(z.object({ id: z.string(), text: z.string(), fired: z.number() }));
export type Faults = z.infer<typeof faultsSchema>;

export const parseFaults = (data: unknown): Faults => faultsSchema.parse(data);

/** Tells whoever wonders about the instance that it fails on purpose. The page itself is not struck. */
export function FaultBanner({ faults }: { faults: Faults }) {
  if (faults.length === 0) return null;
  return (
    <section class="banner warn" aria-label="Faults in force">
      <p>
        <strong>{faults.length === 1 ? 'Fault in force' : 'Faults in force'}</strong> for clients of the API; this page
        is spared.
      </p>
      <ul class="plain">
        {faults.map(({ id, text, fired }) => (
          <li key={id}>
            {text}, {fired === 0 ? 'not struck yet' : `struck ${fired === 1 ? 'once' : `${fired} times`}`}
          </li>
        ))}
      </ul>
    </section>
  );
}
