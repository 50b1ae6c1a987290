import { describe, expect, test } from 'vitest';
import type { DestinationFailure, IncidentRow } from '../../device/incident/destination.ts';
import { addPicture, findPicture } from './add-picture.ts';
import { type AttachPictureDeps, attachPicture } from './attach-picture.ts';
import type { ListedPicture, PictureList, PicturesApi } from './pictures-api.ts';

const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
const correlationId = 'hall-2/press-4/temperature/upper';
const bytes = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
const about = {
  id,
  correlationId,
  contentType: 'image/jpeg',
  bytes: 4,
  createdAt: '2026-03-04T05:06:07.000Z',
} as const;
const waiting: ListedPicture = { picture: { ...about, status: 'PENDING_UPLOAD' } };
const processed: ListedPicture = {
  picture: { ...about, status: 'PROCESSED', concludedAt: about.createdAt, width: 800, height: 600 },
  links: { tile: 'https://s3.example/t', scaled: 'https://s3.example/s', exif: 'https://s3.example/e' },
};

describe('a file', () => {
  function roomOf(uploads: Awaited<ReturnType<PicturesApi['upload']>>[], lists: PictureList[]) {
    const asked: string[] = [];
    let nowMs = 0;
    const api: PicturesApi = {
      offer: async ({ contentType }) => {
        asked.push(`offer ${contentType}`);
        return { id, uploadUrl: 'https://s3.example/u', headers: {}, expiresAt: about.createdAt };
      },
      upload: async () => {
        asked.push('upload');
        return uploads.shift() ?? 'stored';
      },
      list: async () => lists.shift() ?? { pictures: [waiting] },
      download: () => Promise.reject(new Error('nothing is downloaded')),
    };
    const sleep = async (ms: number) => {
      nowMs += ms;
    };
    return { asked, deps: { api, sleep, nowMs: () => nowMs } };
  }

  test('is offered by what its bytes are, uploaded, and waited for', async () => {
    const { asked, deps } = roomOf([], [{ pictures: [] }, { pictures: [waiting] }, { pictures: [processed] }]);
    expect(await addPicture({ correlationId, bytes }, deps)).toEqual(processed);
    expect(asked).toEqual(['offer image/jpeg', 'upload']);
  });

  test('whose upload is not answered is sent to the same place again, and counts as sent where it is there', async () => {
    const { asked, deps } = roomOf(['no-answer', 'there-already'], [{ pictures: [processed] }]);
    expect(await addPicture({ correlationId, bytes }, deps)).toEqual(processed);
    expect(asked).toEqual(['offer image/jpeg', 'upload', 'upload']);
  });

  test('is given up after three uploads without an answer, and after four minutes without a conclusion', async () => {
    const silent = roomOf(['no-answer', 'no-answer', 'no-answer'], []);
    await expect(addPicture({ correlationId, bytes }, silent.deps)).rejects.toMatchObject({ reason: 'no-answer' });
    const slow = roomOf([], []);
    await expect(addPicture({ correlationId, bytes }, slow.deps)).rejects.toMatchObject({ reason: 'not-concluded' });
    expect(slow.deps.nowMs()).toBe(240_000);
  });

  test('that is no picture is offered to nobody', async () => {
    const { asked, deps } = roomOf([], []);
    const pdf = Buffer.from('%PDF-1.7');
    await expect(addPicture({ correlationId, bytes: pdf }, deps)).rejects.toMatchObject({ reason: 'no-picture' });
    expect(asked).toEqual([]);
  });

  test('is found behind the first answer of the list, and looked for no longer than twenty', async () => {
    const asked: (string | undefined)[] = [];
    const list = async (_key: string, next?: string): Promise<PictureList> => {
      asked.push(next);
      return next === 'b' ? { pictures: [processed] } : { pictures: [], next: next === undefined ? 'a' : 'b' };
    };
    expect(await findPicture({ list }, correlationId, id)).toEqual(processed);
    expect(asked).toEqual([undefined, 'a', 'b']);
    let lists = 0;
    const endless = async (): Promise<PictureList> => {
      lists += 1;
      return { pictures: [], next: 'more' };
    };
    expect(await findPicture({ list: endless }, correlationId, id)).toBeUndefined();
    expect(lists).toBe(20);
  });
});

describe('a picture', () => {
  const row = (sysId: string, state: IncidentRow['state'], own: Partial<IncidentRow> = {}): IncidentRow => ({
    ...{ sysId, number: `INC${sysId}`, state, correlationId, openedBy: '', workNotes: '', description: '' },
    ...{ closeNotes: '', urgency: '2', assignedTo: '', assignmentGroup: '', createdAtMs: 0, updatedAtMs: 0 },
    ...{ updatedBy: '', modCount: 0, ...own },
  });
  const lost: DestinationFailure = { ok: false, kind: 'ambiguous', message: 'No answer.' };

  /** An instance with these incidents; `attach` answers as told, after its effect or without it. */
  function instanceOf(rows: IncidentRow[], told?: { failure: DestinationFailure; stored: boolean }) {
    const names: string[] = [];
    const sent: string[] = [];
    const deps: AttachPictureDeps = {
      api: { download: async (url) => Buffer.from(url) },
      destination: {
        find: async () => ({ ok: true, value: { rows, complete: true } }),
        attachmentNames: async () => ({ ok: true, value: [...names] }),
        attach: async (sysId, file) => {
          sent.push(`${sysId} ${file.name} ${file.contentType} ${Buffer.from(file.bytes)}`);
          if (told?.stored !== false) names.push(file.name);
          return told?.failure ?? { ok: true, value: undefined };
        },
      },
    };
    return { deps, sent };
  }

  test('is attached to the newest open incident of its key, else to the newest, and to none of another key', async () => {
    const other = row('0', 'new', { correlationId: correlationId.toUpperCase() });
    const open = instanceOf([other, row('3', 'resolved'), row('2', 'on-hold'), row('1', 'new')]);
    const name = `picture-${id}.jpg`;
    expect(await attachPicture(processed, open.deps)).toEqual({ number: 'INC2', name, before: false });
    expect(open.sent).toEqual([`2 ${name} image/jpeg https://s3.example/s`]);
    const ended = instanceOf([other, row('3', 'resolved'), row('2', 'closed')]);
    expect(await attachPicture(processed, ended.deps)).toMatchObject({ number: 'INC3' });
    const none = instanceOf([other]);
    await expect(attachPicture(processed, none.deps)).rejects.toMatchObject({ reason: 'no-incident' });
    expect(none.sent).toEqual([]);
  });

  test('is attached once, however often it is asked for', async () => {
    const { deps, sent } = instanceOf([row('1', 'new')]);
    expect(await attachPicture(processed, deps)).toMatchObject({ before: false });
    expect(await attachPicture(processed, deps)).toMatchObject({ before: true });
    expect(sent).toHaveLength(1);
  });

  test('whose answer was lost is looked for: it is there, or nobody can say', async () => {
    const there = instanceOf([row('1', 'new')], { failure: lost, stored: true });
    expect(await attachPicture(processed, there.deps)).toMatchObject({ number: 'INC1', before: false });
    const unclear = instanceOf([row('1', 'new')], { failure: lost, stored: false });
    await expect(attachPicture(processed, unclear.deps)).rejects.toMatchObject({ reason: 'attach-unclear' });
    const refusal: DestinationFailure = { ok: false, kind: 'refused-record', message: 'Too large.' };
    const refused = instanceOf([row('1', 'new')], { failure: refusal, stored: false });
    await expect(attachPicture(processed, refused.deps)).rejects.toMatchObject({ reason: 'refused' });
  });

  test('that is not PROCESSED is attached to nothing', async () => {
    const { deps, sent } = instanceOf([row('1', 'new')]);
    await expect(attachPicture(waiting, deps)).rejects.toMatchObject({ reason: 'not-processed' });
    expect(sent).toEqual([]);
  });
});
