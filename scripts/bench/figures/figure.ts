/** One figure that no bar is set for. */
export interface Figure {
  measure: string;
  value: number;
  unit: string;
  /** How it was found, for a reader who wants it again. */
  how: string;
}
