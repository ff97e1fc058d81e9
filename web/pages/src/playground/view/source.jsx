// The source: written by the model, changed by hand, with the verdict on it.
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../../shared/icons.jsx";
import { whenIdle } from "../../shared/idle.js";
import { counted } from "../../shared/words.js";
import { editor } from "../editor/load.js";
import { isRunning, job } from "../state/job.js";
import { edited, isEdited, isWriting, language, text, verdict } from "../state/source.js";
import { CopyButton } from "./copy.jsx";

function Verdict() {
  const { state, errors, reason } = verdict.value;
  switch (state) {
    case "checking":
      return <span class="badge">Checking…</span>;
    case "valid":
      return (
        <span class="badge good">
          <Icon name="check" /> Valid
        </span>
      );
    case "repaired":
      return (
        <span class="badge good">
          <Icon name="check" /> Valid, mended
        </span>
      );
    case "invalid":
      return (
        <span class="badge bad">
          <Icon name="alert" /> {errors.length > 0 ? counted(errors.length, "error") : "Incomplete"}
        </span>
      );
    case "unchecked":
      return (
        <span class="badge" title={reason}>
          Not checked
        </span>
      );
    default:
      return null;
  }
}

/** Text until the editor is loaded, and then the editor. */
function Editor() {
  const place = useRef();
  const held = useRef();
  const tell = (what, ...values) => held.current?.[what](...values);
  useEffect(() => {
    let isGone = false;
    (async () => {
      const { createEditor } = await editor();
      if (isGone) return;
      held.current = createEditor(place.current, { onChange: edited });
      tell("show", text.value, verdict.value.errors, isWriting.value);
      tell("setReadOnly", isRunning.value);
      tell("setLanguage", language.value);
      place.current.dataset.ready = "true";
    })().catch(() => (place.current.dataset.ready = "false"));
    return () => {
      isGone = true;
      held.current?.destroy();
    };
  }, []);
  useSignalEffect(() => tell("show", text.value, verdict.value.errors, isWriting.value));
  useSignalEffect(() => tell("setReadOnly", isRunning.value));
  useSignalEffect(() => tell("setLanguage", language.value));
  Source.goTo = (line) => held.current?.goTo(line);
  return (
    <div class="editor" ref={place}>
      <pre>{text}</pre>
    </div>
  );
}

function Errors() {
  const { state, errors } = verdict.value;
  if (state === "checking" || errors.length === 0) return null;
  return (
    <ul class="errors" aria-label="Errors in the source">
      {errors.map(({ line, column, message }) => (
        <li key={`${line}:${column}:${message}`}>
          {line > 0 && (
            <button type="button" class="line" onClick={() => Source.goTo?.(line)}>
              Line {line}
            </button>
          )}
          <span>{message}</span>
        </li>
      ))}
    </ul>
  );
}

function Origin() {
  if (job.value.provider === "offline" && !isEdited.value) return <span class="badge warn">Drafted without a model</span>;
  if (isEdited.value) return <span class="badge">Edited</span>;
  return job.value.isCached ? <span class="badge">From the cache</span> : null;
}

export function Source() {
  useEffect(() => whenIdle(() => editor().catch(() => {})), []);
  const isThere = text.value !== "" || isWriting.value || isEdited.value;
  // An editor that is not seen cannot measure itself.
  if (!isThere) return null;
  return (
    <section class="card source" aria-label="Source">
      <div class="panel-head">
        <h2>Source</h2>
        <Verdict />
        <Origin />
        <CopyButton />
      </div>
      <Editor />
      <Errors />
    </section>
  );
}
