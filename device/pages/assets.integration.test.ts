import { describe, expect, test } from 'vitest';
import { assetResponse, documentResponse, pageAssets } from './assets.ts';

describe('a page as it is served', () => {
  test('names its files, holds nothing inline, and is built once', async () => {
    const assets = await pageAssets('review');
    expect(await pageAssets('review')).toBe(assets);
    const response = documentResponse(assets);
    const html = await response.text();
    for (const name of assets.files.keys()) expect(html).toContain(`/assets/${name}`);
    expect(html).not.toMatch(/<style|style=|<script(?![^>]* src=)|https?:/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('its files have types and may be kept, and no other file is served', async () => {
    const assets = await pageAssets('review');
    const types = [...assets.files.keys()].map((name) => assetResponse(assets, name)?.headers.get('content-type'));
    expect(types.sort()).toEqual(['text/css; charset=utf-8', 'text/javascript; charset=utf-8']);
    expect(assetResponse(assets, '../../package.json')).toBeUndefined();
  });

  test('asks nobody else for anything', async () => {
    const { files } = await pageAssets('review');
    const decoder = new TextDecoder();
    const addresses = [...files.values()].flatMap(
      (bytes) => decoder.decode(bytes).match(/https?:\/\/[^"'`\s)]+/g) ?? [],
    );
    // Names of XML namespaces, which nobody fetches.
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
  });
});
