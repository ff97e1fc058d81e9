// What was asked, what it took and what it cost, over time.
import { useEffect, useState } from "preact/hooks";
import { get, withQuery } from "../state/api.js";
import { parameters, replace } from "../state/route.js";
import { dollars, short, span, whole } from "./format.js";
import { Plot, colour } from "./plot.jsx";

const HOUR = 3_600_000;
const RANGES = {
  "1 h": { ms: HOUR, step: "minute" },
  "24 h": { ms: 24 * HOUR, step: "hour" },
  "7 days": { ms: 7 * 24 * HOUR, step: "hour" },
  "30 days": { ms: 30 * 24 * HOUR, step: "day" },
  "90 days": { ms: 90 * 24 * HOUR, step: "day" },
  "1 year": { ms: 365 * 24 * HOUR, step: "day" },
};
const SPLITS = { tier: "Tier", user: "User", model: "Model", diagramType: "Language" };
const PLOTS = [
  { title: "Requests", value: (point) => point.submitted, write: short },
  { title: "Cost", value: (point) => Number(point.costUsd), write: dollars },
  { title: "Tokens", value: (point) => point.inputTokens + point.outputTokens, write: short },
  { title: "Saved by the cache", value: (point) => Number(point.savedUsd), write: dollars },
];
const LOOK_MS = 30_000;

const named = (key, by) => (key === "" ? (by === "model" ? "no call" : "none") : key);

export function Usage() {
  const range = RANGES[parameters.value.get("range")] ? parameters.value.get("range") : "24 h";
  const by = SPLITS[parameters.value.get("by")] ? parameters.value.get("by") : "tier";
  const [found, setFound] = useState();
  const [fault, setFault] = useState();
  useEffect(() => {
    let isGone = false;
    const look = async () => {
      const to = new Date();
      const from = new Date(to - RANGES[range].ms);
      const asked = { from: from.toISOString(), to: to.toISOString() };
      try {
        const [timeline, stats] = await Promise.all([
          get(withQuery("api/admin/timeline", { ...asked, step: RANGES[range].step, by })),
          get(withQuery("api/diagram/stats", { ...asked, groupBy: by })),
        ]);
        if (!isGone) setFound({ timeline, stats });
        setFault(undefined);
      } catch (error) {
        if (!isGone) setFault(error.message);
      }
    };
    look();
    const timer = setInterval(() => !document.hidden && look(), LOOK_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [range, by]);
  const choose = (values) => replace("usage", { ...Object.fromEntries(parameters.value), ...values });
  return (
    <div class="stack">
      <div class="filter">
        <Segments label="Span of time" options={Object.keys(RANGES)} chosen={range} onChoose={(value) => choose({ range: value })} />
        <Segments label="Split by" options={Object.keys(SPLITS)} titles={SPLITS} chosen={by} onChoose={(value) => choose({ by: value })} />
      </div>
      {fault && <p class="fault">{fault}</p>}
      {found && (
        <>
          <Totals totals={found.stats.totals} />
          <div class="plots">
            {PLOTS.map((plot) => (
              <Plot key={plot.title} {...plot} timeline={found.timeline} nameOf={(key) => named(key, by)} />
            ))}
          </div>
          <Groups stats={found.stats} series={found.timeline.series} by={by} />
        </>
      )}
    </div>
  );
}

function Segments({ label, options, titles = {}, chosen, onChoose }) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option} class={option === chosen ? "chosen" : undefined}>
          <input type="radio" class="unseen" name={label} value={option} checked={option === chosen} onChange={() => onChoose(option)} />
          {titles[option] ?? option}
        </label>
      ))}
    </fieldset>
  );
}

function Totals({ totals }) {
  const share = (part) => (totals.submitted === 0 ? "" : `${((100 * part) / totals.submitted).toFixed(part > 0 && part / totals.submitted < 0.1 ? 1 : 0)} %`);
  const figures = [
    ["Requests", whole(totals.submitted), `${whole(totals.completed)} completed`],
    ["Failed", whole(totals.failed), share(totals.failed)],
    ["Repaired", whole(totals.repaired), share(totals.repaired)],
    ["From the cache", whole(totals.cacheHits), `${dollars(totals.savedUsd)} saved`],
    ["Tokens", short(totals.inputTokens + totals.outputTokens), `${short(totals.outputTokens)} of them out`],
    ["Cost", dollars(totals.costUsd), totals.completed > 0 ? `${dollars(Number(totals.costUsd) / totals.completed)} a diagram` : ""],
    ["Waited", span(totals.waitMs.p50), `p95 ${span(totals.waitMs.p95)}`],
    ["Took", span(totals.serviceMs.p50), `p95 ${span(totals.serviceMs.p95)}`],
  ];
  return (
    <section class="panel figures many" aria-label="Totals">
      {figures.map(([name, value, hint]) => (
        <div class="figure" key={name}>
          <span class="figure-name">{name}</span>
          <span class="figure-value">{value}</span>
          <span class="hint">{hint}</span>
        </div>
      ))}
    </section>
  );
}

function Groups({ stats, series, by }) {
  const places = new Map(series.map(({ key }, index) => [key, index]));
  const groups = [...stats.groups].sort((one, other) => other.submitted - one.submitted).slice(0, 200);
  if (groups.length === 0) return <p class="empty">Nothing was asked in this time.</p>;
  return (
    <section class="panel" aria-labelledby="groups">
      <h2 id="groups">By {SPLITS[by].toLowerCase()}</h2>
      <div class="scroll-x" tabindex={0} role="region" aria-label="The figures, a table">
        <table class="figures-table wide">
          <thead>
            <tr>
              <th scope="col">{SPLITS[by]}</th>
              {["Requests", "Completed", "Failed", "Cache", "Tokens in", "Tokens out", "Cost", "Saved", "Waited p95", "Took p95"].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr key={group.key}>
                <th scope="row">
                  <i class="swatch" aria-hidden="true" style={{ background: colour(places.get(group.key) ?? series.length - 1) }} />
                  {named(group.key, by)}
                </th>
                <td class="number">{whole(group.submitted)}</td>
                <td class="number">{whole(group.completed)}</td>
                <td class="number">{whole(group.failed)}</td>
                <td class="number">{whole(group.cacheHits)}</td>
                <td class="number">{short(group.inputTokens)}</td>
                <td class="number">{short(group.outputTokens)}</td>
                <td class="number">{dollars(group.costUsd)}</td>
                <td class="number">{dollars(group.savedUsd)}</td>
                <td class="number">{span(group.waitMs.p95)}</td>
                <td class="number">{span(group.serviceMs.p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
