import type { Page } from 'playwright-core';
import { z } from 'zod';

const violations = z.array(
  z.object({
    id: z.string(),
    impact: z.enum(['minor', 'moderate', 'serious', 'critical']).nullable(),
    nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
  }),
);

/** What axe-core finds serious or critical on a page as it stands, one line each. */
export async function seriousAccessibilityProblems(page: Page): Promise<string[]> {
  const { default: axe } = await import('axe-core');
  // By the debugger, which the page's content security policy does not bind.
  await page.evaluate(axe.source);
  const found: unknown = await page.evaluate('axe.run().then((result) => result.violations)');
  return violations
    .parse(found)
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}
