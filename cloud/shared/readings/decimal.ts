/** DynamoDB's numbers: up to 38 significant digits, magnitude from 1e-130 to below 1e126. */
const mostDigits = 38;
const smallestExponent = -130;
const largestExponent = 125;

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;

/**
 * A decimal as DynamoDB takes it, digit for digit; `undefined` where the text is no number, `out-of-range` where it is
 * one that DynamoDB would refuse.
 */
export function storableDecimal(text: string): string | 'out-of-range' | undefined {
  const parts = decimal.exec(text);
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  if (whole === '' && fraction === '') return undefined;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return '0';
  const leadingZeros = whole.length + fraction.length - digits.length;
  const magnitude = whole.length - leadingZeros - 1 + Number(exponent);
  const significant = digits.replace(/0+$/, '').length;
  if (significant > mostDigits || magnitude < smallestExponent || magnitude > largestExponent) return 'out-of-range';
  return sign === '+' ? text.slice(1) : text;
}
