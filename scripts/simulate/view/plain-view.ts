import { printable } from './cells.ts';
import type { ViewModel } from './view-model.ts';
import type { View, ViewOptions } from './view-port.ts';

/** One line for each event, without colours: for pipes, files and logs. What an `update` tells is written once, at the start. */
export function createPlainView({ stream }: Pick<ViewOptions, 'stream'>): View {
  let begun = false;
  let stopped = false;

  function line(text: string): void {
    stream.write(`${printable(text)}\n`);
  }

  function begin({ title, links, login }: ViewModel): void {
    begun = true;
    line(title);
    for (const { name, url } of links) line(`${name}: ${url}`);
    if (login !== undefined) line(`user ${login.user}, password in ${login.passwordIn}`);
  }

  return {
    update(model) {
      if (!begun && !stopped) begin(model);
    },
    event({ atMs, kind, text, url }) {
      if (stopped) return;
      const at = Number.isNaN(new Date(atMs).getTime()) ? '-' : new Date(atMs).toISOString();
      line(`${at} ${kind}: ${text}${url === undefined ? '' : ` ${url}`}`);
    },
    stop(lines) {
      if (stopped) return;
      stopped = true;
      for (const one of lines) line(one);
    },
  };
}
