import { z } from 'zod';
import { plans } from './contract.ts';
import { createHttpApp, type HttpApp, type OnFailure, problemAnswer } from './http-app.ts';
import { openApiDocument } from './open-api.ts';

/** What the page needs to know of where it is. */
export const portalSettings = z.object({
  /** Where people sign up and in: the user pool's API. */
  userPool: z.url(),
  clientId: z.string(),
  /** Whether people may sign up, or operators make the accounts. */
  signUp: z.enum(['open', 'closed']),
});
export type PortalSettings = z.infer<typeof portalSettings>;

/** The page as it was built. */
export interface PortalPage {
  script: string;
  style: string;
}

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API keys</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="portal/files/page.css">
<body>
<noscript>This page needs JavaScript. The API itself is described in openapi.json.</noscript>
<div id="app"></div>
<script type="module" src="portal/files/page.js"></script>
</body>
</html>
`;

/** `/portal` and `/openapi.json`: for everybody, and with no right to anything. */
export function createPortal({
  settings,
  page,
  onFailure,
}: {
  settings: PortalSettings;
  page: PortalPage;
  onFailure: OnFailure;
}): HttpApp {
  const app = createHttpApp(onFailure);
  const document = openApiDocument();
  const { origin } = new URL(settings.userPool);
  const policy = [
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:",
    `connect-src 'self' ${origin}`,
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join('; ');

  app.get('/openapi.json', (c) => c.json(document));
  app.get('/portal', (c) =>
    c.html(html, 200, { 'content-security-policy': policy, 'referrer-policy': 'no-referrer', ...notKept }),
  );
  app.get('/portal/files/:name', (c) => {
    const name = c.req.param('name');
    if (name === 'page.js')
      return c.body(page.script, 200, { 'content-type': 'text/javascript; charset=utf-8', ...notKept });
    if (name === 'page.css') return c.body(page.style, 200, { 'content-type': 'text/css; charset=utf-8', ...notKept });
    if (name === 'settings.json') return c.json({ ...settings, plans }, 200, notKept);
    return problemAnswer(c, 'not_found', { detail: 'The page has no such file.' });
  });
  return app;
}

/** A new deployment shows at once. */
const notKept = { 'cache-control': 'no-cache' };
