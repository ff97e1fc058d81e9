// Earlier requests, in a drawer; opening one brings it back.
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { moment } from "../../shared/words.js";
import { closeHistory, isHistoryOpen, openHistory, past, pastFault, showMore } from "../state/history.js";
import { isRunning, resume } from "../state/job.js";
import { nameOf } from "../state/languages.js";

const STATES = {
  completed: ["Finished", "good"],
  queued: ["Waiting", ""],
  processing: ["Being written", ""],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", ""],
  expired: ["Expired", "bad"],
};

export function HistoryButton() {
  return (
    <button type="button" class="icon-button" onClick={openHistory} aria-label="History" title="History">
      <Icon name="clock" />
    </button>
  );
}

function Entry({ entry }) {
  const { requestId, title, diagramType, status, createdAt, validation } = entry;
  const [word, kind] = status === "completed" && validation?.status === "invalid" ? ["With errors", "warn"] : STATES[status];
  const open = () => {
    closeHistory();
    resume(requestId);
  };
  const canOpen = ["completed", "queued", "processing"].includes(status) && !isRunning.value;
  return (
    <li>
      <button type="button" class="entry" onClick={open} disabled={!canOpen}>
        <strong>{title ?? "Untitled"}</strong>
        <span class="entry-facts">
          <span>{nameOf(diagramType)}</span>
          <span>{moment(createdAt)}</span>
          <span class={`badge ${kind}`}>{word}</span>
        </span>
      </button>
    </li>
  );
}

function Entries() {
  if (pastFault.value) return <p class="hint">{pastFault.value}</p>;
  if (!past.value) return <p class="hint">Loading…</p>;
  const { requests, next } = past.value;
  if (requests.length === 0) return <p class="hint">There is nothing here yet. What you draw is kept here.</p>;
  return (
    <>
      <ul class="entries">
        {requests.map((entry) => (
          <Entry key={entry.requestId} entry={entry} />
        ))}
      </ul>
      {next && (
        <button type="button" class="button wide" onClick={showMore}>
          Show more
        </button>
      )}
    </>
  );
}

export function History() {
  const dialog = useRef();
  const isOpen = isHistoryOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current.showModal();
    else dialog.current.close();
  }, [isOpen]);
  // A click beside the drawer closes it.
  const press = ({ target }) => target === dialog.current && closeHistory();
  return (
    <dialog class="drawer" ref={dialog} onClose={closeHistory} onClick={press} aria-label="History">
      <div class="drawer-page">
        <div class="panel-head">
          <h2>History</h2>
          <button type="button" class="icon-button push" onClick={closeHistory} aria-label="Close the history">
            <Icon name="close" />
          </button>
        </div>
        {isOpen && <Entries />}
      </div>
    </dialog>
  );
}
