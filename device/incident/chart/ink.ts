export const ink = {
  text: '#1f2933',
  faint: '#616e7c',
  grid: '#e4e7eb',
  readings: '#2060a8',
  breach: '#c62828',
  deadband: '#f0b429',
  clears: '#8d6b00',
  low: '#52708f',
  medium: '#946200',
  high: '#c2410c',
  critical: '#b3001b',
};

/** About how wide a letter of DejaVu Sans is, in parts of its size. */
export const letterWidth = { normal: 0.6, bold: 0.66 };
