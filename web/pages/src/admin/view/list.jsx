// A list of which only the rows in sight are in the page: as quick with 100,000 as with ten.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const ROW = 38;
/** Rows above and below those in sight. */
const SPARE = 12;
/** How near the end more is asked for. */
const NEAR_ROWS = 60;

/** `columns`: `{name, width, cell(row), isNumber, isOpener, from}`; `from`: the list's width from which it is shown. */
export function List({ rows, keyOf, columns, onOpen, onEnd, foot, label }) {
  const box = useRef();
  const [seen, setSeen] = useState({ top: 0, height: 800, width: 1200 });
  useLayoutEffect(() => {
    const measure = () => setSeen({ top: box.current.scrollTop, height: box.current.clientHeight, width: box.current.clientWidth });
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    let frame;
    const scrolled = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    };
    const element = box.current;
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", scrolled);
    };
  }, []);

  const shown = columns.filter(({ from = 0 }) => from <= seen.width);
  const grid = { gridTemplateColumns: shown.map(({ width }) => width).join(" ") };
  const first = Math.max(0, Math.floor(seen.top / ROW) - SPARE);
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / ROW) + SPARE);
  useEffect(() => {
    if (last + NEAR_ROWS >= rows.length) onEnd();
  });

  const step = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined || !event.target.matches("button")) return;
    event.preventDefault();
    const index = Number(event.target.closest("[data-index]").dataset.index) + by;
    box.current.querySelector(`[data-index="${index}"] button`)?.focus();
  };

  return (
    <div class="list" ref={box} onKeyDown={step}>
      <div role="table" aria-label={label} aria-rowcount={rows.length + 1}>
        <div role="rowgroup" class="list-head">
          <div role="row" aria-rowindex={1} class="list-row" style={grid}>
            {shown.map(({ name, isNumber }) => (
              <span key={name} role="columnheader" class={isNumber ? "number" : undefined}>
                {name}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" class="list-body" style={{ height: `${rows.length * ROW}px` }}>
          {rows.slice(first, last).map((row, offset) => (
            <div
              key={keyOf(row)}
              role="row"
              aria-rowindex={first + offset + 2}
              class="list-row"
              data-index={first + offset}
              style={{ ...grid, transform: `translateY(${(first + offset) * ROW}px)` }}
              onClick={() => onOpen(row)}
            >
              {shown.map(({ name, cell, isNumber, isOpener }) => (
                <span key={name} role="cell" class={isNumber ? "number" : undefined}>
                  {isOpener ? (
                    <button type="button" class="plain">
                      {cell(row)}
                    </button>
                  ) : (
                    cell(row)
                  )}
                </span>
              ))}
            </div>
          ))}
        </div>
      </div>
      <div class="list-foot">{foot}</div>
    </div>
  );
}
