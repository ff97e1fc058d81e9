// Everybody's requests: a filter, a list that stays quick however long it gets, and one in detail.
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { TIERS } from "../state/lists.js";
import { queue } from "../state/live.js";
import { more, progress, refresh, requests, search, took } from "../state/requests.js";
import { parameters, replace, section } from "../state/route.js";
import { between, dollars, fully, short, span, when, whole } from "./format.js";
import { List } from "./list.jsx";
import { RequestDrawer } from "./request.jsx";
import { Status } from "./status.jsx";

const STATES = ["queued", "processing", "completed", "failed", "cancelled", "expired"];
const TYPES = ["mermaid", "graphviz", "plantuml", "d2"];
const SPANS = { "1h": 3_600_000, "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000 };
const TYPING_MS = 250;
const REFRESH_MS = 2_000;

/** The filter as the address says it. */
function asked() {
  const { open, since, ...filter } = Object.fromEntries(parameters.value);
  return since ? { ...filter, from: new Date(Date.now() - SPANS[since]).toISOString() } : filter;
}

function set(name, value) {
  replace("requests", { ...Object.fromEntries(parameters.value), [name]: value });
}

export function Requests() {
  const given = parameters.value;
  const filter = JSON.stringify([...given].filter(([name]) => name !== "open"));
  useEffect(() => void search(asked()), [filter]);
  useRefreshing();
  const open = given.get("open");
  return (
    <div class="fill">
      <Filter given={given} />
      <section class="panel fill flush" aria-label="Requests">
        <List
          rows={requests.value}
          keyOf={(row) => row.requestId}
          columns={COLUMNS}
          onOpen={(row) => set("open", row.requestId)}
          onEnd={() => progress.value === "more" && more()}
          foot={<Foot />}
          label="Requests"
        />
      </section>
      {open && <RequestDrawer key={open} id={open} onClose={() => section.value === "requests" && set("open", undefined)} />}
    </div>
  );
}

/** The newest are looked at again while the queue moves. */
function useRefreshing() {
  const seen = useRef();
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden || seen.current === queue.value?.seq) return;
      seen.current = queue.value?.seq;
      refresh();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
}

const COLUMNS = [
  { name: "Status", width: "100px", cell: (row) => <Status status={row.status} /> },
  {
    name: "Request",
    width: "minmax(0, 2fr)",
    isOpener: true,
    cell: (row) => (
      <>
        <span class="mono">{row.requestId.slice(4, 12)}</span> <span class="muted">{row.title ?? row.errorCode ?? (row.position ? `place ${whole(row.position)}` : "")}</span>
      </>
    ),
  },
  { name: "User", width: "minmax(0, 1fr)", from: 460, cell: (row) => row.user },
  { name: "Tier", width: "80px", from: 760, cell: (row) => row.tier },
  { name: "Language", width: "76px", from: 860, cell: (row) => row.diagramType },
  { name: "Model", width: "minmax(0, 1.2fr)", from: 960, cell: (row) => (row.cached ? <span class="muted">cache</span> : (row.model ?? "–")) },
  { name: "Waited", width: "72px", from: 1120, isNumber: true, cell: (row) => span(between(row.createdAt, row.startedAt)) },
  { name: "Took", width: "64px", from: 640, isNumber: true, cell: (row) => span(between(row.startedAt, row.completedAt)) },
  { name: "Tokens", width: "58px", from: 1120, isNumber: true, cell: (row) => (row.inputTokens + row.outputTokens > 0 ? short(row.inputTokens + row.outputTokens) : "–") },
  { name: "Cost", width: "70px", from: 700, isNumber: true, cell: (row) => dollars(row.costUsd) },
  { name: "Accepted", width: "96px", isNumber: true, cell: (row) => <time datetime={row.createdAt} title={fully(row.createdAt)}>{when(row.createdAt)}</time> },
];

function Foot() {
  if (progress.value === "loading") return "Loading…";
  if (progress.value === "more") {
    return (
      <button type="button" class="button" onClick={more}>
        Search on
      </button>
    );
  }
  if (progress.value !== "all") return <span class="fault">{progress.value}</span>;
  if (requests.value.length === 0) return "No request is like that.";
  return `That is all: ${whole(requests.value.length)}, the first page in ${Math.round(took.value ?? 0)} ms.`;
}

function Choice({ name, title, given, options, any }) {
  return (
    <div class="choice">
      <select class="input" name={name} aria-label={title} value={given.get(name) ?? ""} onChange={(event) => set(name, event.currentTarget.value)}>
        <option value="">{any}</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Text is taken when the person stops typing. */
function Text({ name, title, given, ...more }) {
  const timer = useRef();
  const take = (value) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set(name, value.trim()), TYPING_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class="choice">
      <input class="input" type="search" name={name} aria-label={title} defaultValue={given.get(name) ?? ""} placeholder={title} spellcheck={false} autocapitalize="none" autocomplete="off" onInput={(event) => take(event.currentTarget.value)} {...more} />
    </div>
  );
}

function Filter({ given }) {
  const box = useRef();
  useEffect(() => {
    const jump = (event) => {
      if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
      event.preventDefault();
      box.current.querySelector("input").focus();
    };
    addEventListener("keydown", jump);
    return () => removeEventListener("keydown", jump);
  }, []);
  const isFiltered = [...given].some(([name, value]) => name !== "open" && value);
  return (
    <search class="filter" ref={box} aria-label="Filter">
      <Text name="q" title="User or req_… ( / )" given={given} />
      <Choice name="status" title="Status" given={given} options={STATES} any="Any status" />
      <Choice name="tier" title="Tier" given={given} options={TIERS} any="Any tier" />
      <Choice name="type" title="Language" given={given} options={TYPES} any="Any language" />
      <Text name="model" title="Model" given={given} />
      <Choice name="since" title="Accepted in the last" given={given} options={Object.keys(SPANS)} any="Any time" />
      {isFiltered && (
        <button
          type="button"
          class="button"
          onClick={() => {
            for (const field of box.current.querySelectorAll("input")) field.value = "";
            replace("requests", {});
          }}
        >
          <Icon name="close" />
          All
        </button>
      )}
    </search>
  );
}
