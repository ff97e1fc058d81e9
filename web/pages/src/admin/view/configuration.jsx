// The configuration in force, as the server says it: secrets are masked there already.
import { useEffect, useState } from "preact/hooks";
import { get } from "../state/api.js";

/** The sections that are read most come first. */
const ORDER = ["server", "storage", "upstreams", "tiers", "queue", "generation", "cache", "auth", "render", "alerts", "webhooks", "log", "metrics", "retention"];

const isSection = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Sections with their keys in order; a list of tables is a section for each. */
function sections(tree, path = "") {
  const keys = Object.entries(tree).filter(([, value]) => !isSection(value) && !isListOfSections(value));
  const own = keys.length > 0 ? [{ path: path || "top", keys }] : [];
  const below = Object.entries(tree).flatMap(([name, value]) => {
    const inner = path ? `${path}.${name}` : name;
    if (isSection(value)) return sections(value, inner);
    if (isListOfSections(value)) return value.flatMap((one, index) => sections(one, `${inner}.${one.name ?? index}`));
    return [];
  });
  return [...own, ...below];
}

const isListOfSections = (value) => Array.isArray(value) && value.length > 0 && value.every(isSection);

export function Configuration() {
  const [tree, setTree] = useState();
  const [fault, setFault] = useState();
  const [wanted, setWanted] = useState("");
  useEffect(() => void get("api/admin/config").then(setTree, (error) => setFault(error.message)), []);
  if (fault) return <p class="fault">{fault}</p>;
  if (!tree) return <p class="empty">Loading…</p>;
  const fits = (path, name) => `${path}.${name}`.toLowerCase().includes(wanted.toLowerCase());
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const ordered = Object.entries(tree).sort(([one], [other]) => place(one) - place(other));
  const shown = sections(Object.fromEntries(ordered))
    .map(({ path, keys }) => ({ path, keys: keys.filter(([name]) => fits(path, name)) }))
    .filter(({ keys }) => keys.length > 0);
  return (
    <div class="stack">
      <div class="filter">
        <div class="choice">
          <input class="input" type="search" aria-label="Find a key" placeholder="Find a key" value={wanted} spellcheck={false} onInput={(event) => setWanted(event.currentTarget.value)} />
        </div>
        <p class="hint">In force now. Change the file and send SIGHUP, or restart; secrets are masked.</p>
      </div>
      <div class="sections">
        {shown.map(({ path, keys }) => (
          <section class="panel" key={path} aria-label={path}>
            <h2 class="mono">[{path}]</h2>
            <dl class="settings">
              {keys.map(([name, value]) => (
                <div key={name}>
                  <dt class="mono">{name}</dt>
                  <dd class="mono">
                    <Value value={value} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      {shown.length === 0 && <p class="empty">No key is like that.</p>}
    </div>
  );
}

function Value({ value }) {
  if (value === null || value === "") return <span class="muted">not set</span>;
  if (value === true || value === false) return <span class={value ? "yes" : "muted"}>{String(value)}</span>;
  if (Array.isArray(value)) return value.length === 0 ? <span class="muted">none</span> : value.join(", ");
  return String(value);
}
