import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { BreachView } from '../../console/contract.ts';
import { clockText } from '../shared/time-text.ts';
import { type Columns, columnsOf, type Point } from './curve.ts';
import { inkOf } from './ink.tsx';
import type { Stretch } from './time-window.ts';

export interface ChartProps {
  /** Says what the curve shows, for those who do not see it. */
  label: string;
  points: readonly Point[];
  gapMs: number;
  stretch: Stretch;
  upper: number | null;
  lower: number | null;
  deadband: number;
  breaches: readonly BreachView[];
  /** A stretch was drawn with the pointer. */
  onSelect: (stretch: Stretch) => void;
}

const heightPx = 200;
/** A limit that is further from the curve than so many times the height of the curve is not shown. */
const farOff = 20;

/** One metric over time: mean, least to greatest, limits with their deadbands, and when it breached. */
export function Chart(props: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const parent = frame.current;
    if (parent === null) return;
    const make = () => {
      plot.current?.destroy();
      const options = optionsOf(() => latest.current, parent.clientWidth);
      plot.current = new uPlot(options, dataOf(latest.current), parent);
    };
    make();
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: parent.clientWidth, height: heightPx });
    });
    resized.observe(parent);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', make);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
    };
  }, []);

  useEffect(() => {
    plot.current?.batch(() => {
      plot.current?.setData(dataOf(props), false);
      plot.current?.setScale('x', scaleOf(props.stretch));
    });
  });

  return <div class="chart" ref={frame} role="img" aria-label={props.label} data-points={props.points.length} />;
}

const dataOf = ({ points, gapMs }: ChartProps): Columns => columnsOf(points, gapMs);
const scaleOf = ({ fromMs, toMs }: Stretch) => ({ min: fromMs / 1_000, max: toMs / 1_000 });

function optionsOf(props: () => ChartProps, width: number): uPlot.Options {
  const ink = inkOf();
  const axis = { stroke: ink.quiet, grid: { stroke: ink.line, width: 1 }, ticks: { stroke: ink.line, width: 1 } };
  return {
    ...{ width, height: heightPx, legend: { show: false } },
    cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: 'console' }, points: { size: 6 } },
    scales: {
      x: { time: true, range: () => rangeOf(props().stretch) },
      y: { range: (_plot, min, max) => verticalRange(props(), min, max) },
    },
    axes: [
      { ...axis, size: 34, space: 56, values: (_plot, seconds, _axis, _space, step) => seconds.map(timeLabel(step)) },
      { ...axis, size: 58, values: (_plot, values) => values.map((value) => String(Math.round(value * 100) / 100)) },
    ],
    series: [
      {},
      { stroke: ink.curve, width: 1.75, points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: ink.spread }],
    hooks: {
      drawClear: [(plot) => drawGround(plot, props(), inkOf())],
      draw: [(plot) => drawLimits(plot, props(), inkOf())],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const fromMs = plot.posToVal(plot.select.left, 'x') * 1_000;
          const toMs = plot.posToVal(plot.select.left + plot.select.width, 'x') * 1_000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          props().onSelect({ fromMs, toMs });
        },
      ],
    },
  };
}

/** The reader's time of day, with seconds where ticks are closer than a minute. */
function timeLabel(stepSeconds: number): (seconds: number) => string {
  return (seconds) => clockText(seconds * 1_000).slice(0, stepSeconds < 60 ? 8 : 5);
}

function rangeOf(stretch: Stretch): [number, number] {
  const { min, max } = scaleOf(stretch);
  return [min, max];
}

/** The curve and its limits, with some room; limits that are far off do not flatten the curve. */
function verticalRange({ upper, lower }: ChartProps, min: number | null, max: number | null): [number, number] {
  const limits = [upper, lower].filter((limit) => limit !== null);
  const least = min ?? Math.min(...limits, Infinity);
  const most = max ?? Math.max(...limits, -Infinity);
  if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
  const spread = Math.max(most - least, 0.5);
  const near = limits.filter((limit) => limit > least - farOff * spread && limit < most + farOff * spread);
  const bottom = Math.min(least, ...near);
  const top = Math.max(most, ...near);
  const room = Math.max((top - bottom) * 0.12, 0.25);
  return [bottom - room, top + room];
}

type Ink = ReturnType<typeof inkOf>;

/** Below the curve: when it breached, and the deadbands. */
function drawGround(plot: uPlot, { breaches, stretch, upper, lower, deadband }: ChartProps, ink: Ink): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { startedAtMs, endedAtMs } of breaches) {
    const from = plot.valToPos(startedAtMs / 1_000, 'x', true);
    const to = plot.valToPos((endedAtMs ?? stretch.toMs) / 1_000, 'x', true);
    ctx.fillStyle = ink.breachGround;
    ctx.fillRect(from, bbox.top, Math.max(to - from, 2), bbox.height);
    ctx.fillStyle = ink.breach;
    ctx.fillRect(from, bbox.top, Math.max(to - from, 2), 3 * devicePixelRatio);
  }
  ctx.fillStyle = ink.deadband;
  for (const [limit, inside] of [
    [upper, -deadband],
    [lower, deadband],
  ] as const) {
    if (limit === null || deadband === 0) continue;
    const [one, other] = [plot.valToPos(limit, 'y', true), plot.valToPos(limit + inside, 'y', true)];
    ctx.fillRect(bbox.left, Math.min(one, other), bbox.width, Math.abs(one - other));
  }
  ctx.restore();
}

/** Above the curve: the limits. */
function drawLimits(plot: uPlot, { upper, lower }: ChartProps, ink: Ink): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ink.breach;
  ctx.lineWidth = 1.25 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const limit of [upper, lower]) {
    if (limit === null) continue;
    const y = plot.valToPos(limit, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}
