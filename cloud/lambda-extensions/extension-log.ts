/** A line of JSON, as Lambda's own logs are. Extensions have no logger of Powertools: they are to start in milliseconds. */
export function logAs(extension: string): (level: 'info' | 'warn', message: string, fields?: object) => void {
  return (level, message, fields = {}) =>
    console.log(JSON.stringify({ level: level.toUpperCase(), message, extension, ...fields }));
}
