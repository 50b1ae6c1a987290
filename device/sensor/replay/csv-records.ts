import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { parse } from 'csv-parse/sync';
import { AppError, codeOf, messageOf } from '../../platform/errors.ts';

export interface CsvRecord {
  /** Line of the file on which the record ends, from 1. */
  line: number;
  fields: readonly string[];
}

const blockBytes = 65_536;
/** A record longer than this is no record: a quote was never closed. */
const longestRecord = 262_144;

/**
 * The records of a CSV file, the header too, read block by block: memory holds one block and its records. It reads
 * synchronously, so that the next record is there in the turn in which the last one was handed over, and a virtual clock
 * never runs past a row that is still being read. Ending the iteration early closes the file.
 * @throws AppError `replay-file` when the file cannot be read or is not CSV.
 */
export function* csvRecords(file: string): Generator<CsvRecord, void> {
  const descriptor = open(file);
  const buffer = Buffer.alloc(blockBytes);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let lines = 0;
  try {
    for (let ended = false; !ended; ) {
      const length = readBlock(file, descriptor, buffer);
      ended = length === 0;
      rest += ended ? decoder.end() : decoder.write(buffer.subarray(0, length));
      const end = ended ? rest.length : lastRecordEnd(rest);
      yield* records(file, rest.slice(0, end), lines);
      lines += count(rest.slice(0, end), '\n');
      rest = rest.slice(end);
      if (rest.length > longestRecord) {
        throw notCsv(
          file,
          `the record that begins on line ${lines + 1} does not end within ${longestRecord} characters`,
        );
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function records(file: string, block: string, linesBefore: number): CsvRecord[] {
  const found: CsvRecord[] = [];
  try {
    parse(block, {
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      trim: true,
      on_record(fields: string[], context) {
        found.push({ line: linesBefore + context.lines, fields });
        return null;
      },
    });
  } catch (error) {
    throw notCsv(file, `in the part that begins on line ${linesBefore + 1}: ${messageOf(error)}`, error);
  }
  return found;
}

/** Index behind the last line end that is not inside quotes; a block begins outside of them. */
function lastRecordEnd(text: string): number {
  let quoted = false;
  let end = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') quoted = !quoted;
    else if (character === '\n' && !quoted) end = index + 1;
  }
  return end;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function readBlock(file: string, descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, null);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): AppError {
  const why =
    codeOf(error) === 'ENOENT'
      ? 'there is no such file'
      : codeOf(error) === 'EISDIR'
        ? 'it is a folder'
        : messageOf(error);
  return new AppError('replay-file', `Cannot replay "${file}": ${why}. Give a CSV file with a header line.`, {
    cause: error,
  });
}

function notCsv(file: string, why: string, cause?: unknown): AppError {
  return new AppError('replay-file', `Cannot replay "${file}": it is not well-formed CSV: ${why}`, { cause });
}
