/** What a query answers: text, as the engine writes it; null where there is no value. */
export interface QueryResult {
  columns: readonly string[];
  rows: readonly (readonly (string | null)[])[];
}
