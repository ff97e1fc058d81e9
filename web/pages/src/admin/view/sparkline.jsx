// A small line without axes. What it says is said by the figure beside it.
import { useId } from "preact/hooks";

const [WIDTH, HEIGHT] = [160, 36];

/** A line that has just begun fills the width after so long. */
const SPAN_MS_MIN = 20_000;

/** `points`: `[{at, value}]`, oldest first; at most the last `spanMsMax` are shown. */
export function Sparkline({ points, spanMsMax, tone = "accent" }) {
  const fill = useId();
  const now = points.at(-1)?.at ?? 0;
  const spanMs = Math.min(spanMsMax, Math.max(SPAN_MS_MIN, now - (points[0]?.at ?? 0)));
  const top = Math.max(1, ...points.map(({ value }) => value));
  const x = (at) => (WIDTH * (1 - (now - at) / spanMs)).toFixed(1);
  const y = (value) => (HEIGHT - 2 - (HEIGHT - 4) * (value / top)).toFixed(1);
  const line = points.filter(({ at }) => now - at <= spanMs).map(({ at, value }, index, all) => (index === 0 ? `M${x(at)} ${y(value)}` : `H${x(at)}V${y(value)}`)).join("");
  const first = points.find(({ at }) => now - at <= spanMs);
  return (
    <svg class={`sparkline ${tone}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <defs>
        <linearGradient id={fill} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stop-color="currentColor" stop-opacity="0.22" />
          <stop offset="1" stop-color="currentColor" stop-opacity="0" />
        </linearGradient>
      </defs>
      {first && <path d={`${line}V${HEIGHT}H${x(first.at)}Z`} fill={`url(#${fill})`} />}
      <path d={line} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" />
    </svg>
  );
}
