// One figure over time, its parts on top of each other. The table below says the same in words.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../../shared/theme.js";
import { when } from "./format.js";

const STEPS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const HEIGHT = 190;
const COLOURS = ["#5b74e8", "#e08a2c", "#2f9e72", "#cc5a86", "#8d68d6", "#27a3bd", "#b3952b", "#d65f54", "#71829b", "#7ba34e", "#a8714a", "#969aa3"];

/** The colour of the series in this place. */
export const colour = (place) => COLOURS[place % COLOURS.length];

/** Times in seconds, and the value of each series at each. Spans that nothing is told of are zero. */
function columns({ from, to, step, series }, value) {
  const ms = STEPS[step];
  const times = [];
  for (let at = Math.floor(new Date(from) / ms) * ms; at < new Date(to); at += ms) times.push(at);
  const places = new Map(times.map((at, index) => [at, index]));
  const values = series.map(({ points }) => {
    const row = new Array(times.length).fill(0);
    for (const point of points) row[places.get(Date.parse(point.at))] = value(point);
    return row;
  });
  return { times: times.map((at) => at / 1000), values };
}

/** Each series with all below it: the highest is drawn first, and those below in front of it. */
function stacked(values) {
  const sums = [];
  for (const row of values) sums.push(row.map((value, index) => value + (sums.at(-1)?.[index] ?? 0)));
  return sums.reverse();
}

export function Plot({ title, value, write, timeline, nameOf }) {
  const box = useRef();
  const [at, setAt] = useState();
  const { times, values } = columns(timeline, value);
  const sum = (row) => row.reduce((total, one) => total + one, 0);
  const total = values.reduce((all, row) => all + sum(row), 0);
  const look = theme.value;
  const plot = useRef();

  useLayoutEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => resolved(style.getPropertyValue(name));
    const axis = { stroke: of("--muted"), grid: { stroke: of("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const half = STEPS[timeline.step] / 2000;
    const bars = uPlot.paths.bars({ size: [0.82, 40], radius: 0.12 });
    const options = {
      width: box.current.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 14, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { range: (_, min, max) => [min - half, max + half] }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.06 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, space: 70 },
        { ...axis, size: 52, space: 32, values: (_, ticks) => ticks.map((tick) => write(tick)) },
      ],
      series: [{}, ...values.map((_, index) => ({ paths: bars, points: { show: false }, width: 0, fill: colour(values.length - 1 - index) }))],
      hooks: { setCursor: [({ cursor }) => setAt(cursor.idx ?? undefined)] },
    };
    plot.current = new uPlot(options, [times, ...stacked(values)], box.current);
    const observer = new ResizeObserver(() => plot.current.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      plot.current.destroy();
    };
  }, [timeline, look]);
  useEffect(() => setAt(undefined), [timeline]);

  const isAt = at !== undefined && at < times.length;
  const shown = timeline.series
    .map(({ key }, index) => ({ key, index, amount: isAt ? values[index][at] : sum(values[index]) }))
    .filter(({ amount }) => amount > 0)
    .slice(0, 12);
  return (
    <figure class="panel plot">
      <figcaption>
        <h2>{title}</h2>
        <span class="plot-total">{write(isAt ? values.reduce((all, row) => all + row[at], 0) : total)}</span>
        <span class="hint">{isAt ? when(new Date(times[at] * 1000)) : "in all"}</span>
      </figcaption>
      <div ref={box} class="canvas" role="img" aria-label={`${title} over time: ${write(total)} in all`} />
      <ul class="legend">
        {shown.map(({ key, index, amount }) => (
          <li key={key}>
            <i class="swatch" aria-hidden="true" style={{ background: colour(index) }} />
            {nameOf(key)} <b>{write(amount)}</b>
          </li>
        ))}
        {shown.length === 0 && <li class="hint">nothing</li>}
      </ul>
    </figure>
  );
}

/** A canvas does not know `light-dark()`: what the page makes of it. */
function resolved(text) {
  const probe = document.createElement("i");
  probe.style.color = text;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
