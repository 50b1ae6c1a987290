import type { ServiceNow } from '../start-servicenow.ts';

/** What a browser does for the review page, without one: a login, its cookie, and the token that writes need. */
export async function logIn(serviceNow: ServiceNow, password = serviceNow.credentials.password) {
  const response = await fetch(`${serviceNow.url}/review/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: serviceNow.url },
    body: JSON.stringify({ userName: serviceNow.credentials.username, password }),
  });
  const body: unknown = await response.json();
  const setCookie = response.headers.get('set-cookie') ?? '';
  const token =
    typeof body === 'object' && body !== null && 'userToken' in body && typeof body.userToken === 'string'
      ? body.userToken
      : '';
  return { response, body, setCookie, cookie: setCookie.split(';')[0] ?? '', token };
}

/** Events of the page's stream, one at a time; `undefined` at its end. */
export async function openEvents(serviceNow: ServiceNow, cookie: string) {
  const response = await fetch(`${serviceNow.url}/review/events`, { headers: { cookie } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    async next(): Promise<{ name: string; data: unknown } | undefined> {
      for (;;) {
        const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)\n\n/.exec(text) ?? [];
        if (name !== '') {
          text = text.slice(text.indexOf('\n\n') + 2);
          return { name, data: JSON.parse(data) };
        }
        const chunk = await reader?.read().catch(() => undefined);
        if (chunk === undefined || chunk.done) return undefined;
        text += chunk.value;
      }
    },
    close: () => reader?.cancel(),
  };
}
