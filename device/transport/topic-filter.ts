/** Longest topic or filter that MQTT can carry, in bytes of UTF-8. */
const longestBytes = 65_535;

/** A broker may end the connection of whoever sends one of these. Source: MQTT 3.1.1, 1.5.3. */
const unsafeCharacter = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** What makes this unusable as the topic of a message; undefined where nothing does. Source: MQTT 3.1.1, 4.7. */
export function topicProblem(topic: string): string | undefined {
  if (/[+#]/.test(topic)) return 'a topic holds no wildcard';
  return textProblem(topic);
}

/** What makes this unusable as a topic filter; undefined where nothing does. Source: MQTT 3.1.1, 4.7. */
export function filterProblem(filter: string): string | undefined {
  if (filter.startsWith('$share/')) return 'shared subscriptions are not supported';
  const levels = filter.split('/');
  const last = levels.length - 1;
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== last)) return '# must be the whole of the last level';
    if (level.includes('+') && level !== '+') return '+ must be the whole of its level';
  }
  return textProblem(filter);
}

function textProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (unsafeCharacter.test(text)) return 'it holds a control character, or one that Unicode does not allow in texts';
  // A UTF-16 unit is at most three bytes of UTF-8, so most topics need not be encoded.
  const tooLong = text.length * 3 > longestBytes && new TextEncoder().encode(text).length > longestBytes;
  return tooLong ? `it is longer than ${longestBytes} bytes` : undefined;
}

/**
 * A test of topics against one valid filter. `+` stands for one level, `#` for any number of them and for the parent
 * itself; neither stands for a first level that begins with `$`. Source: MQTT 3.1.1, 4.7.
 */
export function topicMatcher(filter: string): (topic: string) => boolean {
  if (!/[+#]/.test(filter)) return (topic) => topic === filter;
  const levels = filter.split('/');
  const open = levels.at(-1) === '#';
  if (open) levels.pop();
  const startsWild = levels[0] === undefined || levels[0] === '+';
  return (topic) => {
    if (startsWild && topic.startsWith('$')) return false;
    const parts = topic.split('/');
    if (open ? parts.length < levels.length : parts.length !== levels.length) return false;
    return levels.every((level, index) => level === '+' || level === parts[index]);
  };
}
