import { open, stat } from 'node:fs/promises';
import { codeOf } from '../platform/errors.ts';

/** Largest configuration file that is read, bytes. */
export const maxFileBytes = 65_536;

export type FileContent = { ok: true; value: unknown } | { ok: false; flaw: string };

/** What a YAML or JSON file says. What is wrong with it is told by place, never by its text: it may hold a secret. */
export async function readConfigFile(file: string): Promise<FileContent> {
  const content = await readBounded(file);
  if (!content.ok) return content;
  // Only a start with a file pays for the parser.
  const { Lexer, LineCounter, parseDocument } = await import('yaml');
  if (isDeep(new Lexer().lex(content.text))) return { ok: false, flaw: 'is nested too deeply to be configuration' };
  const lines = new LineCounter();
  // JSON is read as the YAML that it is, so that its mistakes are told by line too.
  const document = parseDocument(content.text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake !== undefined) {
    const { line, col } = lines.linePos(mistake.pos[0]);
    const what = mistake.code.toLowerCase().replaceAll('_', ' ');
    return { ok: false, flaw: `line ${line}, column ${col} is not the YAML or JSON that is read here (${what})` };
  }
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 0 }) };
  } catch {
    return { ok: false, flaw: 'uses an alias (*name); write the value itself in each place' };
  }
}

const mostNested = 32;
const widestIndent = 128;

/**
 * Whether the parser, which recurses, would go deep. It is asked first, because a stack that is nearly full cannot be
 * caught everywhere: V8 ends the process where it cannot compile a regular expression.
 */
function isDeep(tokens: Iterable<string>): boolean {
  let inBrackets = 0;
  let inLine = 0;
  let lineStarts = true;
  for (const token of tokens) {
    if (token === '[' || token === '{') inBrackets += 1;
    else if (token === ']' || token === '}') inBrackets -= 1;
    else if (inBrackets === 0 && (token === '-' || token === '?' || token === ':')) inLine += 1;
    else if (lineStarts && /^ +$/.test(token) && token.length > widestIndent) return true;
    lineStarts = /[\r\n]$/.test(token);
    if (lineStarts) inLine = 0;
    if (inBrackets > mostNested || inLine > mostNested) return true;
  }
  return false;
}

async function readBounded(file: string): Promise<{ ok: true; text: string } | { ok: false; flaw: string }> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    if (!(await stat(file)).isFile())
      return { ok: false, flaw: 'is not a regular file; give the path of a YAML or JSON file' };
    handle = await open(file, 'r');
    const buffer = Buffer.alloc(maxFileBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = (await handle.read(buffer, length, buffer.length - length, length)).bytesRead;
    }
    if (length > maxFileBytes) return { ok: false, flaw: `is larger than ${maxFileBytes} bytes` };
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { ok: false, flaw: 'is not UTF-8 text' };
    if (code === 'ENOENT') return { ok: false, flaw: 'does not exist; check the path' };
    if (code === 'EACCES') return { ok: false, flaw: 'may not be read by this user; check its mode and owner' };
    return { ok: false, flaw: `cannot be read (${code ?? 'unknown reason'})` };
  } finally {
    await handle?.close();
  }
}
