import { type EChartsOption, init, type LineSeriesOption, setPlatformAPI } from 'echarts/dist/echarts.esm.min.mjs';
import { letterWidth } from './ink.ts';

export type { EChartsOption, LineSeriesOption };

/** Readable in an incident's form without zooming, px. */
const size = { width: 880, height: 430 };

/** What XML 1.0 does not allow in text, lone surrogates among it. echarts escapes the rest. */
const notXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Letters as wide as they are high; echarts measures one of them for the height of a line. */
const wide = /[\u2e80-\uffdc]/g;

// Without a browser echarts reckons with a narrower font, and labels that it keeps apart would meet.
setPlatformAPI({
  measureText(text, font = '12px') {
    const size = Number(/([\d.]+)px/.exec(font)?.[1] ?? 12);
    const wides = text.match(wide)?.length ?? 0;
    return { width: size * (wides + (text.length - wides) * letterWidth[font.includes('bold') ? 'bold' : 'normal']) };
  },
});

/**
 * Draws without a browser. Equal options give equal pictures; ids in the text count up with each drawing. The option is
 * used up: some of its texts are changed.
 */
export function renderSvg(option: EChartsOption, height: number = size.height): string {
  disarm(option);
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size, height });
  try {
    chart.setOption({ animation: false, ...option });
    return chart.renderToSVGString().replace(notXml, ' ');
  } finally {
    chart.dispose();
  }
}

/**
 * echarts keeps how wide a text is in a plain object, under the text. One that is called like a property of all objects
 * (`__proto__` as a unit) would be found there before it was put, and what echarts does to its own entries would be done to
 * `Object.prototype`, in the whole process. A blank behind it makes it a text like any other.
 */
function disarm(value: object): void {
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && inner in Object.prototype) Reflect.set(value, name, `${inner} `);
    else if (typeof inner === 'object' && inner !== null) disarm(inner);
  }
}
