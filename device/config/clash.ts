/** Values that are each allowed and together make the program useless. */
export interface Clash {
  /** The fields that clash; the first is the one to look at. */
  paths: readonly (readonly string[])[];
  message: string;
}
