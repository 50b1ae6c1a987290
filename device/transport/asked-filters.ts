/** The topic filters of one connection that its peer was asked for. */
export interface AskedFilters {
  /** Asks for what was not asked for yet; resolves with the answers to all of them. */
  add(filters: readonly string[]): Promise<void>;
  /** Whether it was asked for; it may be asked for again. */
  delete(filter: string): boolean;
}

/** `ask` is given at most `atOnce` filters a call. */
export function createAskedFilters(ask: (filters: string[]) => Promise<void>, atOnce: number): AskedFilters {
  const answers = new Map<string, Promise<void>>();
  return {
    async add(filters) {
      const fresh = filters.filter((filter) => !answers.has(filter));
      for (let first = 0; first < fresh.length; first += atOnce) {
        const some = fresh.slice(first, first + atOnce);
        const answered = ask(some);
        for (const filter of some) answers.set(filter, answered);
      }
      await Promise.all(filters.map((filter) => answers.get(filter)));
    },
    delete: (filter) => answers.delete(filter),
  };
}
