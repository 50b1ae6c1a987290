import { fieldOf, type Row } from './instance-api.ts';

export const attachmentPath = (sysId: string) => `/api/now/attachment/${encodeURIComponent(sysId)}/file`;

export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function AttachmentList({ attachments }: { attachments: readonly Row[] }) {
  if (attachments.length === 0) return null;
  return (
    <section class="card-body tight attachments" aria-label="Attachments">
      <span class="quiet">Attachments ({attachments.length})</span>
      <ul class="plain">
        {attachments.map((row) => (
          <li key={fieldOf(row, 'sys_id').value}>
            <a href={attachmentPath(fieldOf(row, 'sys_id').value)} download={fieldOf(row, 'file_name').value}>
              {fieldOf(row, 'file_name').value}
            </a>{' '}
            <span class="quiet">{sizeText(Number(fieldOf(row, 'size_bytes').value))}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
